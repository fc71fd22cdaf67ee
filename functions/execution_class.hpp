// Whether a native function may run on the event loops or belongs on compute loops, judged by the processor time of its
// calls and by whether they gave the processor up; never by how long they took, which the machine's load decides as
// well (RULES: Loops and scheduling). Pure: who measures, and what follows, is not decided here.
#pragma once

#include <cstdint>

#include "config/clock.hpp"

namespace troupe::functions {

enum class execution_class : std::uint8_t { compute, inlined };
/// `compute`, `inline`.
const char* to_string(execution_class which) noexcept;

struct execution_limits {
  duration short_cpu = std::chrono::microseconds{100};  ///< of processor time: so little does not hold a loop up
  duration long_cpu = milliseconds{1};                  ///< more than this does
  std::uint32_t samples = 200;                          ///< that a promotion needs
  std::uint32_t suspect_calls = 1'000;                  ///< after so many a call that should not have been is forgotten
  std::uint32_t most_long = 1;                          ///< until then; one more demotes
  std::uint32_t most_waiting = 2;                       ///< the same, if they are more than one in a hundred
  duration first_wait = seconds{1};                     ///< from the first demotion to the next promotion
  duration longest_wait = std::chrono::minutes{10};
  duration forgiven_after = std::chrono::hours{1};  ///< inline for so long, and the waits begin anew
};

/// What one thread measured of a function's calls since it last told.
struct call_samples {
  std::uint32_t calls = 0;       ///< measured or not
  std::uint32_t measured = 0;    ///< of the calls
  std::uint32_t over_short = 0;  ///< measured ones above `execution_limits::short_cpu`, or that waited
  std::uint32_t over_long = 0;   ///< measured ones above `long_cpu`
  std::uint32_t waited = 0;      ///< measured ones that gave the processor up to wait for something

  /// Calls that an event loop should not have run, whether or not it is an accident.
  std::uint32_t unfit() const noexcept { return over_long + waited; }
  void add(const call_samples& more) noexcept;
  /// @param cpu    processor time of the thread in the call.
  /// @param waits  times that the thread gave the processor up in it.
  void add_measured(duration cpu, std::uint64_t waits, const execution_limits& limits) noexcept;
  void add_unmeasured() noexcept { ++calls; }
};

/// One function's class on one node. Belongs to one actor or loop. `now` never goes back.
class class_judge {
public:
  explicit class_judge(execution_limits limits = {}) noexcept : limits_{limits} {}

  execution_class current() const noexcept { return current_; }
  /// @returns whether the class is another one now.
  bool take(const call_samples& news, time_point now) noexcept;
  /// Other code: nothing is known of it.
  void reset() noexcept { *this = class_judge{limits_}; }

private:
  bool may_be_promoted(const call_samples& news, time_point now) noexcept;
  bool must_be_demoted(const call_samples& news) noexcept;

  execution_limits limits_;
  execution_class current_ = execution_class::compute;
  call_samples window_;            ///< as `compute`: since it last began; as `inlined`: since an unfit call
  std::uint32_t calls_since_ = 0;  ///< the last unfit one
  duration wait_{};                ///< after the last demotion
  time_point may_promote_at_ = time_point::min();
  time_point promoted_at_{};
};

}  // namespace troupe::functions
