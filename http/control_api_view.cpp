// Troupe's own API: what only reads.
#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>

#include "cluster/catalog_view.hpp"
#include "http/control_api.hpp"
#include "http/control_api_reply.hpp"
#include "http/log_view.hpp"

namespace troupe::http {

namespace {

cluster::function_record record_of(const functions::function_spec& spec) {
  cluster::function_record record;
  record.id = spec.id;
  record.name = spec.name;
  record.version = spec.version;
  record.runtime = spec.runtime;
  record.form = "program";
  record.timeout_ms = static_cast<std::uint64_t>(spec.timeout.count());
  record.memory_mb = spec.memory_mb;
  record.concurrency = spec.concurrency;
  return record;
}

}  // namespace

cluster::catalog_snapshot control_api::with_program_functions() const {
  auto all = *around_->follower->snapshot();
  for (const auto& own : around_->registry->program_functions()) {
    all.functions.push_back(record_of(own.spec));
    for (const auto& key : own.routes)
      all.routes.push_back({"default", key, own.spec.name});
  }
  std::sort(all.functions.begin(), all.functions.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::optional<cluster::function_record> control_api::find(const std::string& name) const {
  if (const auto* found = cluster::find_function(*around_->follower->snapshot(), name))
    return *found;
  for (const auto& own : around_->registry->program_functions())
    if (own.spec.name == name)
      return record_of(own.spec);
  return std::nullopt;
}

instance_counts control_api::own_instances_of(const cluster::function_record& record) const {
  // What runs inside the node is there on every loop.
  if (record.runtime == "native" && !around_->registry->supervisor_of(record.id))
    return {1, 0};
  const auto here = around_->registry->instances_of(record.id);
  return {here.ready, here.starting};
}

instance_counts control_api::instances_of(const cluster::function_record& record) const {
  auto all = own_instances_of(record);
  if (around_->cluster.instances) {
    const auto elsewhere = around_->cluster.instances(record.id);
    all.ready += elsewhere.ready;
    all.starting += elsewhere.starting;
  }
  return all;
}

reply_ptr control_api::list() const {
  const auto all = with_program_functions();
  std::vector<instance_counts> counts;
  for (const auto& record : all.functions)
    counts.push_back(instances_of(record));
  return json_reply(200, functions_body(all.functions, all.routes, counts));
}

reply_ptr control_api::describe(const std::string& name) const {
  const auto found = find(name);
  if (!found)
    return refusal_of({errc::no_such_function, "function '" + name + "' is not deployed"});
  return json_reply(200, function_body(*found, with_program_functions().routes, instances_of(*found)));
}

caf::result<reply_ptr> control_api::logs(const std::string& name, const functions::http_request_ptr& request) {
  auto position = parse_event_position(request->query);
  if (!position)
    return refusal_of(position.error());
  return read([this, name, from = std::move(*position)](read_answer answer) {
    if (const auto found = find(name))
      send_logs(std::move(answer), *found, from);
    else
      answer.deliver(refusal_of({errc::no_such_function, "function '" + name + "' is not deployed"}));
  });
}

void control_api::send_logs(read_answer answer, const cluster::function_record& record, const event_position& from) {
  const auto nodes = std::max<std::size_t>(around_->follower->snapshot()->nodes.size(), 1);
  const auto room = max_log_bytes / nodes;
  const auto id = actors::log_id_of(around_->incarnation, record.id);
  const auto place = from.find(id);
  journal_part own{around_->node_name, id, {}};
  if (const auto ring = around_->logs->find(record.id))
    own = log_part(around_->node_name, id, ring->read(place == from.end() ? 0 : place->second, room));
  if (!around_->cluster.logs)
    return answer.deliver(json_reply(200, logs_body(record.name, {std::move(own)}, {}, from)));
  around_->cluster.logs(
      record.id, from, room,
      [self = strong_self(), this, answer = std::move(answer), own = std::move(own), name = record.name, from](
          std::vector<journal_part> parts, const std::vector<std::string>& silent) mutable {
        enter();
        if (getf(is_terminated_flag))
          return;  // the node is going down: nobody waits any more
        parts.push_back(std::move(own));
        answer.deliver(json_reply(200, logs_body(name, parts, silent, from)));
        loop().drain();
      });
}

reply_ptr control_api::routes() const {
  return json_reply(200, routes_body(with_program_functions().routes));
}

reply_ptr control_api::node() {
  node_description description;
  description.name = around_->node_name;
  description.state = state_text();
  description.http = around_->http_addresses;
  description.admin = around_->admin_address;
  description.boot_id = functions::boot_id();
  const auto figures = around_->registry->instances();
  description.actors = home_system().registry().running();
  description.instances = figures.ready;
  description.generic = figures.generic;
  description.waiting = figures.waiting;
  description.promised_mb = figures.promised_mb;
  return json_reply(200, node_body(description));
}

}  // namespace troupe::http
