// Whether an event loop stands still, from looks at its pulse: arithmetic only. Time counts by the looks: what passed
// while nobody looked, because the whole process was stopped or the machine had no processor for it, is no stall of a
// loop.
#pragma once

#include <algorithm>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe::functions {

/// What a loop says of itself, as numbers that only have to change.
struct pulse_reading {
  std::uint64_t turns = 0;     ///< odd while it works, even while it waits for work
  std::uint64_t calls = 0;     ///< calls of native functions that it has begun
  std::uint64_t function = 0;  ///< whose call runs; 0: none does
};

/// One per loop; belongs to one thread.
class stall_watch {
public:
  static constexpr milliseconds interval{100};  ///< from one look to the next
  static constexpr milliseconds stalled_after{500};

  /// @param now  never goes back.
  void look(const pulse_reading& pulse, time_point now) noexcept {
    const auto passed = looked_ ? std::min<duration>(now - looked_at_, 2 * interval) : duration{};
    const bool works = pulse.turns % 2 == 1;
    turn_for_ = works && looked_ && pulse.turns == last_.turns ? turn_for_ + passed : duration{};
    const bool runs = pulse.function != 0;
    call_for_ = runs && looked_ && pulse.calls == last_.calls ? call_for_ + passed : duration{};
    last_ = pulse;
    looked_at_ = now;
    looked_ = true;
  }

  bool stalled() const noexcept { return turn_for_ >= stalled_after; }
  /// How long the loop has worked at one thing, as far as was looked; never more than it was.
  duration turn_for() const noexcept { return turn_for_; }
  /// How long the call that it runs has; zero when it runs none.
  duration call_for() const noexcept { return call_for_; }
  /// Whose call runs; 0: none does.
  std::uint64_t function() const noexcept { return last_.function; }

private:
  pulse_reading last_;
  time_point looked_at_{};
  bool looked_ = false;
  duration turn_for_{};
  duration call_for_{};
};

}  // namespace troupe::functions
