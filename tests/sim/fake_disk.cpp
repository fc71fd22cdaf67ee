#include "fake_disk.hpp"

namespace troupe::sim {

using namespace cluster;

disk_request copy_of(const persist_rows& wanted) {
  disk_request request;
  request.rows.assign(wanted.changes.rows.begin(), wanted.changes.rows.end());
  for (const auto* put : wanted.changes.puts)
    request.puts.push_back(*put);
  request.erased.assign(wanted.changes.erased.begin(), wanted.changes.erased.end());
  request.bodies_from = wanted.changes.bodies_from;
  request.heads_from = wanted.changes.heads_from;
  return request;
}

disk_request copy_of(const persist_whole& wanted) {
  disk_request request;
  request.whole = wanted.store;
  return request;
}

std::optional<stored_store> fake_disk::read() const {
  if (!holds_)
    return std::nullopt;
  stored_store found{identity_, {}};
  for (const auto& [key, value] : records_)
    found.state.records.push_back(value);
  found.state.heads.assign(heads_.begin(), heads_.end());
  found.state.bodies.assign(bodies_.begin(), bodies_.end());
  return found;
}

void fake_disk::replace(const stored_store& store) {
  wipe();
  holds_ = true;
  identity_ = store.identity;
  for (const auto& each : store.state.records)
    records_.emplace(each.key, each);
  heads_.assign(store.state.heads.begin(), store.state.heads.end());
  bodies_.assign(store.state.bodies.begin(), store.state.bodies.end());
}

void fake_disk::restore(const stored_store& made) {
  auto replaced = restorable();
  replace(made);
  replaced_ = std::move(replaced);
}

void fake_disk::apply(const disk_request& request) {
  if (request.whole)
    return replace(*request.whole);
  for (const auto& row : request.rows) {
    heads_.push_back(row.head);
    bodies_.emplace_back(row.head.at, row.body);
  }
  for (const auto& put : request.puts)
    records_.insert_or_assign(put.key, put);
  for (const auto& key : request.erased)
    records_.erase(key);
  while (!bodies_.empty() && bodies_.front().first < request.bodies_from)
    bodies_.pop_front();
  while (!heads_.empty() && heads_.front().at < request.heads_from)
    heads_.pop_front();
}

void fake_disk::wipe() {
  *this = fake_disk{};
}

}  // namespace troupe::sim
