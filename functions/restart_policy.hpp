// When may the next instance of a function start, after some have failed? Arithmetic only: the supervisor holds the
// clock, the timers and the instances.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe::functions {

struct restart_limits {
  milliseconds first_delay{100};  ///< before the second restart in a row; the first is at once
  milliseconds longest_delay{10'000};
  std::uint32_t failed_starts = 5;  ///< in a row; so many open the breaker
  milliseconds trial_interval{10'000};
  milliseconds quick_crash{10'000};  ///< an instance that ran longer before it crashed was a good one
};

/// Whether calls are refused since the function cannot be started: while `open`, and while one trial shows whether it
/// can again (`half_open`).
enum class breaker_state : std::uint8_t { closed, half_open, open };
inline constexpr std::size_t breaker_states = 3;

/// One per function and node. Starts that fail and loaded instances that crash delay the next start: not at all, then
/// `first_delay`, doubling to `longest_delay`. Failed starts in a row also open the breaker; crashes never do.
/// Belongs to one actor. `now` never goes back.
class restart_policy {
public:
  explicit restart_policy(restart_limits limits = {}) : limits_{limits} {}

  /// Whether a start may begin now. With an open breaker at most one trial runs at a time.
  bool may_start(time_point now) const noexcept;
  /// The earliest instant at which `may_start` can be true; `time_point::max()` while a trial runs.
  time_point next_start() const noexcept;
  /// Whether calls are to be refused with `errc::breaker_open`.
  bool open() const noexcept { return open_; }
  breaker_state breaker() const noexcept {
    return !open_ ? breaker_state::closed : trial_running_ ? breaker_state::half_open : breaker_state::open;
  }
  /// Failed starts since the last good one.
  std::uint32_t failed_starts() const noexcept { return failed_starts_; }

  /// A start begins. Call it only when `may_start`.
  void start_begun() noexcept;
  /// The instance could not be started, or did not load its code.
  void start_failed(time_point now) noexcept;
  /// The instance was stopped before it was known whether it loads: says nothing about the code.
  void start_abandoned() noexcept;
  /// The instance has loaded its code. Closes the breaker.
  void start_succeeded() noexcept;
  /// A loaded instance ended by itself. Several that were loaded before the last crash count as one: it may be one
  /// cause.
  void crashed(time_point loaded_at, time_point now) noexcept;
  /// The function was deployed anew: other code, no history.
  void reset() noexcept;

private:
  duration delay_after(std::uint32_t failures) const noexcept;

  restart_limits limits_;
  std::uint32_t failed_starts_ = 0;
  std::uint32_t crashes_ = 0;
  time_point start_allowed_at_ = time_point::min();
  time_point last_crash_at_ = time_point::min();
  bool open_ = false;
  bool trial_running_ = false;
};

}  // namespace troupe::functions
