#include "tests/support/owner_rules.hpp"

#include <algorithm>
#include <utility>

namespace troupe::tests {

void owner_rules::take(const std::string& resource, std::uint64_t epoch) {
  if (epoch <= sealed_[resource])
    return;
  const auto known = holds_.find(resource);
  if (known == holds_.end() || known->second.epoch < epoch)
    holds_[resource] = {epoch, false};
}

void owner_rules::seal(const std::string& resource, std::uint64_t epoch) {
  sealed_[resource] = std::max(sealed_[resource], epoch);
  if (const auto known = holds_.find(resource); known != holds_.end() && known->second.epoch <= epoch)
    holds_.erase(known);
}

void owner_rules::unseal(const std::string& resource, std::uint64_t epoch) {
  if (sealed_[resource] == epoch)
    sealed_[resource] = epoch - 1;
}

void owner_rules::review(const owners_seen& owners, std::uint64_t newest_epoch_seen, const cluster::session_id& own) {
  std::erase_if(holds_, [&](const auto& each) {
    if (each.second.epoch > newest_epoch_seen)
      return false;  // its record has not arrived yet
    const auto seen = owners.find(each.first);
    return seen == owners.end() || seen->second.epoch != each.second.epoch;
  });
  if (own == cluster::session_id{})
    return;
  for (const auto& [resource, seen] : owners)
    if (seen.session == own)
      take(resource, seen.epoch);
}

std::vector<owner_rules::holding> owner_rules::all() const {
  std::vector<holding> held;
  for (const auto& [resource, each] : holds_)
    held.push_back({resource, each.epoch});
  return held;
}

std::vector<owner_rules::holding> owner_rules::due(bool session_valid) {
  std::vector<holding> may_act;
  if (!session_valid) {
    resume_at_.reset();
    asked_in_vain_ = asking_;
  }
  for (auto& [resource, each] : holds_) {
    each.paused = each.paused || !session_valid;
    if (!each.paused)
      may_act.push_back({resource, each.epoch});
  }
  return may_act;
}

bool owner_rules::wants_barrier(bool session_valid) {
  const bool paused = std::any_of(holds_.begin(), holds_.end(), [](const auto& each) { return each.second.paused; });
  if (!paused || !session_valid || asking_ || resume_at_)
    return false;
  return asking_ = true;
}

void owner_rules::barrier(std::optional<cluster::cursor> at) {
  asking_ = false;
  if (!std::exchange(asked_in_vain_, false))
    resume_at_ = at;
}

void owner_rules::copy_is_at(cluster::cursor at) {
  if (!resume_at_ || at < *resume_at_)
    return;
  resume_at_.reset();
  for (auto& [resource, each] : holds_)
    each.paused = false;
}

}  // namespace troupe::tests
