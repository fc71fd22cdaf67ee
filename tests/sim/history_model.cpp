#include "history_model.hpp"

#include <algorithm>
#include <set>

namespace troupe::sim {

history_model::history_model(cluster::store_identity identity, const history_model* parent,
                             const cluster::row_head& first, const std::vector<cluster::record>& records)
    : identity_{identity}, parent_{parent}, cut_{identity.parent_cursor.value}, begin_{first.at.value - 1},
      of_backup_{true}, rows_{first} {
  for (const auto& each : records) {
    versions_[each.key].push_back({each.revision, each.value});
    if (each.key.starts_with("bound/"))
      bonds_[each.key] = each.value;
  }
}

const cluster::row_head* history_model::head_at(std::uint64_t at) const {
  if (at == 0 || at > tip())
    return nullptr;
  if (at <= begin_)
    return of_backup_ || parent_ == nullptr ? nullptr : parent_->head_at(at);
  return &rows_[at - begin_ - 1];
}

void history_model::append(const cluster::row_head& head, const cluster::applied& commit) {
  rows_.push_back(head);
  for (const auto& put : commit.puts) {
    versions_[put.key].push_back({head.at.value, put.value});
    if (put.key.starts_with("bound/"))
      bonds_[put.key] = put.value;
  }
  for (const auto& key : commit.erased) {
    versions_[key].push_back({head.at.value, std::nullopt});
    bonds_.erase(key);
  }
}

history_model::version history_model::at(const std::string& key, std::uint64_t at) const {
  if (const auto found = versions_.find(key); found != versions_.end())
    for (auto each = found->second.rbegin(); each != found->second.rend(); ++each)
      if (each->revision <= at)
        return *each;
  return of_backup_ || parent_ == nullptr ? version{} : parent_->at(key, std::min(at, cut_));
}

std::vector<std::string> history_model::keys_at(std::uint64_t at) const {
  std::set<std::string> keys;
  for (const auto* each = this; each != nullptr; each = each->of_backup_ ? nullptr : each->parent_)
    for (const auto& [key, versions] : each->versions_)
      if (this->at(key, at).value)
        keys.insert(key);
  return {keys.begin(), keys.end()};
}

std::optional<std::uint64_t> history_model::shared_with(const history_model& other) const {
  auto shared = ~std::uint64_t{0};
  for (const auto* each = this; each != nullptr; each = each->parent_) {
    if (each == &other)
      return shared;
    shared = std::min(shared, each->cut_);
  }
  return std::nullopt;
}

}  // namespace troupe::sim
