// Whether a loop slept: its process was stopped, the machine was suspended, or something on the loop did not return.
// What was read since then may be old (RULES: Cluster). Pure: readings of CLOCK_BOOTTIME are handed in, which goes on
// while the machine sleeps.
#pragma once

#include "config/clock.hpp"

namespace troupe::cluster {

/// Belongs to one loop, which ticks each 100 ms.
class sleep_watch {
public:
  /// From one tick to the next: more than a second too late, and what was read since may be old.
  static constexpr milliseconds longest_interval{1'100};

  explicit sleep_watch(milliseconds boot_now) : ticked_at_{boot_now} {}

  void ticked(milliseconds boot_now) noexcept { ticked_at_ = boot_now; }
  /// To be asked at each tick, and before anything that was read is handled. @returns whether the loop slept since the
  /// last tick; true once for each sleep.
  bool slept(milliseconds boot_now) noexcept {
    if (boot_now - ticked_at_ <= longest_interval)
      return false;
    ticked_at_ = boot_now;
    return true;
  }

private:
  milliseconds ticked_at_;
};

}  // namespace troupe::cluster
