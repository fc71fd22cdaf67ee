#include "cluster/function_change.hpp"

namespace troupe::cluster {

namespace {

template <class T>
void set(const std::optional<T>& from, T& to) {
  if (from)
    to = *from;
}

}  // namespace

void apply(const function_change& change, function_record& record) {
  set(change.runtime, record.runtime);
  set(change.handler, record.handler);
  set(change.role, record.role);
  set(change.description, record.description);
  set(change.architecture, record.architecture);
  set(change.tracing, record.tracing);
  set(change.timeout_ms, record.timeout_ms);
  set(change.memory_mb, record.memory_mb);
  set(change.ephemeral_mb, record.ephemeral_mb);
  set(change.environment, record.environment);
  for (const auto& [key, value] : change.set_tags)
    record.tags[key] = value;
  for (const auto& key : change.drop_tags)
    record.tags.erase(key);
}

}  // namespace troupe::cluster
