// Whether an event loop stands still, from looks at its pulse: arithmetic only. Time counts by the looks: what passed
// while nobody looked, because the process was stopped or had no processor, is no stall of a loop.
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
  duration timeout{};          ///< of the version that the call is of

  bool works() const noexcept { return turns % 2 == 1; }
};

/// The time that counts between two looks. A process that is held in slices, by a quota of processor time or by
/// signals, comes to a look or two in each of its own: with looks this close a loop is blamed for little more than what
/// it had.
class look_clock {
public:
  static constexpr milliseconds interval{
      10};  ///< from one look to the next while a loop works, and the most that counts
  static constexpr milliseconds idle_interval{100};  ///< while none does

  /// @param now  never goes back. @returns nothing for the first look.
  duration look(time_point now) noexcept {
    const auto passed = looked_ ? std::min<duration>(now - looked_at_, interval) : duration{};
    looked_at_ = now;
    looked_ = true;
    return passed;
  }

private:
  time_point looked_at_{};
  bool looked_ = false;
};

/// One per loop; belongs to one thread.
class stall_watch {
public:
  static constexpr milliseconds stalled_after{500};

  /// @param passed  since the look before, as far as it counts.
  void look(const pulse_reading& pulse, duration passed) noexcept {
    turn_for_ = pulse.works() && pulse.turns == last_.turns ? turn_for_ + passed : duration{};
    call_for_ = pulse.function != 0 && pulse.calls == last_.calls ? call_for_ + passed : duration{};
    last_ = pulse;
  }

  bool stalled() const noexcept { return turn_for_ >= stalled_after; }
  /// Whether the call that it runs has held it for its timeout, and for longer than a stall takes.
  bool overdue() const noexcept { return stalled() && function() != 0 && call_for_ >= timeout(); }
  bool works() const noexcept { return last_.works(); }
  /// How long the loop has worked at one thing, as far as was looked; never more than it was.
  duration turn_for() const noexcept { return turn_for_; }
  /// How long the call that it runs has; zero when it runs none.
  duration call_for() const noexcept { return call_for_; }
  /// Whose call runs; 0: none does.
  std::uint64_t function() const noexcept { return last_.function; }
  /// That of the call.
  duration timeout() const noexcept { return last_.timeout; }

private:
  pulse_reading last_;
  duration turn_for_{};
  duration call_for_{};
};

/// Whether the compute loops are of use: not while each is held by an overdue call and others wait for one. Belongs to
/// one thread.
class compute_watch {
public:
  /// @param all_overdue  each of them is.
  /// @param calls_wait   for one of them.
  /// @param timeout      the longest of the calls that hold them.
  /// @param passed       since the look before, as far as it counts.
  void look(bool all_overdue, bool calls_wait, duration timeout, duration passed) noexcept {
    const bool blocked_before = blocked_;
    // Once told that the node is not ready, clients stay away and nothing waits: that is no end of it.
    blocked_ = all_overdue && (blocked_ || calls_wait);
    blocked_for_ = blocked_ && blocked_before ? blocked_for_ + passed : duration{};
    timeout_ = timeout;
  }

  bool blocked() const noexcept { return blocked_; }
  /// Blocked for as long again as the calls that hold them might have taken.
  bool lost() const noexcept { return blocked_ && blocked_for_ >= timeout_; }

private:
  bool blocked_ = false;
  duration blocked_for_{};
  duration timeout_{};
};

}  // namespace troupe::functions
