// How long a call may wait for its turn: long while a burst passes, about as long as it will run once a queue stands,
// since then whoever waits longer only makes the next ones wait as long (RULES: Functions and instances). Arithmetic
// only.
#pragma once

#include <algorithm>

#include "config/clock.hpp"

namespace troupe::functions {

class queue_patience {
public:
  /// A queue that has not been empty for this long does not drain by itself.
  static constexpr milliseconds standing_after{100};
  /// A limit below it would be finer than the turns of a loop.
  static constexpr milliseconds shortest{5};

  /// A call begins to wait.
  void call_waits(time_point now) noexcept {
    if (!waiting_)
      since_ = now;
    waiting_ = true;
  }
  /// Nobody waits, and not because the last ones were refused.
  void emptied() noexcept { waiting_ = false; }
  /// There is an instance more, or there may soon be one: the queue gets its time to drain anew.
  void relieved(time_point now) noexcept { since_ = now; }

  bool stands(time_point now) const noexcept { return waiting_ && now - since_ >= standing_after; }

  /// @param median_run  of the function, zero when it is not known yet.
  duration limit(time_point now, milliseconds max_age, duration median_run) const noexcept {
    if (!stands(now) || median_run == duration{})
      return max_age;
    return std::min<duration>(max_age, std::max<duration>(shortest, median_run));
  }

private:
  bool waiting_ = false;
  time_point since_{};
};

}  // namespace troupe::functions
