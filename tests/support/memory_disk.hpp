// A disk for stores that a test or a simulation holds in memory: what was written survives its node, nothing else does.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cluster/store_action.hpp"

namespace troupe::tests {

class memory_disk {
public:
  memory_disk() = default;
  explicit memory_disk(cluster::stored_store store) : store_{std::move(store)} {}

  /// What a node starts from; nothing on a disk that was never written.
  const std::optional<cluster::stored_store>& contents() const { return store_; }

  void write(const cluster::staged_changes& changes) {
    auto& state = store_->state;
    std::map<std::string, cluster::record> records;
    for (auto& each : state.records)
      records.emplace(each.key, each);
    for (const auto* put : changes.puts)
      records.insert_or_assign(put->key, *put);
    for (const auto key : changes.erased)
      records.erase(std::string{key});
    state.records.clear();
    for (auto& [key, value] : records)
      state.records.push_back(std::move(value));
    for (const auto& row : changes.rows) {
      state.heads.push_back(row.head);
      state.bodies.emplace_back(row.head.at, row.body);
    }
    std::erase_if(state.bodies, [&](const auto& each) { return each.first < changes.bodies_from; });
    std::erase_if(state.heads, [&](const auto& each) { return each.at < changes.heads_from; });
  }
  void replace(const cluster::stored_store& store) { store_ = store; }

private:
  std::optional<cluster::stored_store> store_;
};

}  // namespace troupe::tests
