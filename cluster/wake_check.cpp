#include "cluster/wake_check.hpp"

#include <algorithm>

namespace troupe::cluster {

void wake_check::slept() {
  asked_.clear();
  lowest_.reset();
}

std::vector<uuid> wake_check::due(std::span<const uuid> in_reach, time_point now) {
  std::vector<uuid> to_ask;
  for (const auto& peer : in_reach) {
    auto& asked = asked_[peer];
    if (asked.open || now < asked.next_at)
      continue;
    asked.open = true;
    to_ask.push_back(peer);
  }
  return to_ask;
}

void wake_check::answered(const uuid& peer, cursor at) {
  asked_[peer].next_at = time_point::max();
  lowest_ = std::min(at, lowest_.value_or(at));
}

void wake_check::failed(const uuid& peer, time_point now) {
  asked_[peer] = {false, now + ask_interval};
}

bool wake_check::may_serve(std::span<const uuid> in_reach, cursor own) const {
  return in_reach.empty() || (lowest_ && *lowest_ <= own);
}

}  // namespace troupe::cluster
