#include "reader.hpp"

#include <utility>

#include "process.hpp"
#include "violation.hpp"

namespace troupe::sim {

using namespace cluster;

void reader::load() {
  records_.clear();
  auto all = of_.records().load();
  at_ = all.cursor;
  for (auto& each : all.records) {
    auto key = each.key;
    records_.emplace(std::move(key), std::move(each));
  }
}

void reader::changed(bool anew) {
  if (anew)
    return load();
  while (true) {
    auto found = of_.records().follow(at_);
    if (std::holds_alternative<gap>(found))
      return load();
    auto* next = std::get_if<batch>(&found);
    if (next == nullptr)
      broken("total_order", of_.machine().record.name + " cannot read its own history");
    if (next->commits.empty())
      return;
    for (auto& commit : next->commits) {
      if (commit.cursor.value != at_.value + 1)
        broken("total_order", "a follower at " + std::to_string(at_.value) + " is shown commit " +
                                  std::to_string(commit.cursor.value));
      at_ = commit.cursor;
      for (auto& put : commit.puts) {
        auto key = put.key;
        records_.insert_or_assign(std::move(key), std::move(put));
      }
      for (const auto& key : commit.erased)
        records_.erase(key);
    }
  }
}

void reader::check() const {
  const auto all = of_.records().load();
  bool equal = all.cursor == at_ && all.records.size() == records_.size();
  for (const auto& each : all.records) {
    const auto found = records_.find(each.key);
    equal = equal && found != records_.end() && found->second.value == each.value &&
            found->second.revision == each.revision;
  }
  if (!equal)
    broken("total_order", "a follower at " + of_.machine().record.name + " has other records than the node");
}

}  // namespace troupe::sim
