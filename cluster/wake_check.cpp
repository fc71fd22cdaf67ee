#include "cluster/wake_check.hpp"

#include <algorithm>

namespace troupe::cluster {

void wake_check::slept() {
  ask_at_.clear();
  lowest_.reset();
}

std::vector<uuid> wake_check::due(std::span<const uuid> in_reach, time_point now) {
  std::vector<uuid> to_ask;
  for (const auto& peer : in_reach) {
    auto& ask_at = ask_at_[peer];
    if (now < ask_at)
      continue;
    ask_at = time_point::max();
    to_ask.push_back(peer);
  }
  return to_ask;
}

void wake_check::answered(cursor at) {
  lowest_ = std::min(at, lowest_.value_or(at));
}

void wake_check::failed(const uuid& peer, time_point now) {
  ask_at_[peer] = now + ask_interval;
}

bool wake_check::may_serve(std::span<const uuid> in_reach, cursor own) const {
  return in_reach.empty() || (lowest_ && *lowest_ <= own);
}

}  // namespace troupe::cluster
