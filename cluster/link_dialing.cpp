#include "cluster/link_dialing.hpp"

#include <algorithm>

namespace troupe::cluster {

bool link_dialing::start(time_point now) {
  if (phase_ != link_phase::stopped)
    return false;
  back_off_ = milliseconds{0};
  dial(now);
  return true;
}

void link_dialing::stop() {
  phase_ = link_phase::stopped;
  wakes_at_.reset();
}

bool link_dialing::poke(time_point now) {
  if (phase_ != link_phase::broken)
    return false;
  dial(now);
  return true;
}

void link_dialing::dial(time_point now) {
  phase_ = link_phase::connecting;
  wakes_at_ = now + limits_.connect_timeout;
}

void link_dialing::opened() {
  phase_ = link_phase::up;
  back_off_ = milliseconds{0};
  wakes_at_.reset();
}

void link_dialing::ended(link_break why, time_point now, std::uint64_t random) {
  if (phase_ == link_phase::stopped)
    return;
  phase_ = link_phase::broken;
  // Who does not want this node now will hardly want it in a moment.
  const auto next = why == link_break::rejected ? limits_.longest_back_off : 2 * back_off_;
  back_off_ = std::clamp(next, limits_.first_back_off, limits_.longest_back_off);
  // Between half of it and all: nodes that lost the same peer do not come back at once.
  const auto half = back_off_ / 2;
  wakes_at_ =
      now + half + milliseconds{static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half.count() + 1))};
}

link_dialing::step link_dialing::timed(time_point now) {
  if (!wakes_at_ || now < *wakes_at_)
    return step::none;
  if (phase_ == link_phase::broken) {
    dial(now);
    return step::dial;
  }
  wakes_at_.reset();
  return step::give_up;
}

}  // namespace troupe::cluster
