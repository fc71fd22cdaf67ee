// What calls of native functions cost the thread that runs them: processor time, and how often it gave the processor
// up. Two pairs of system calls, so on an event loop only a sample of the calls is measured.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "actors/event_loop.hpp"
#include "actors/function_execution.hpp"
#include "config/clock.hpp"
#include "functions/execution_class.hpp"

namespace troupe::actors {

/// Measured calls that a thread reports together at most, so that a short function does not report each.
inline constexpr std::uint32_t told_together = 16;

/// Of the calling thread, since it began.
struct thread_usage {
  duration cpu{};
  std::uint64_t waited = 0;  ///< voluntary context switches

  static thread_usage now() noexcept;
};

/// Measures the calls of one version of a function on one event loop.
class inline_meter {
public:
  inline_meter(event_loop& loop, function_execution_ptr execution, std::uint64_t version, duration timeout) noexcept
      : loop_{loop}, execution_{std::move(execution)}, version_{version}, timeout_{timeout} {}
  ~inline_meter() { tell(); }
  inline_meter(const inline_meter&) = delete;
  inline_meter& operator=(const inline_meter&) = delete;

  /// Lives as long as the call.
  class running {
  public:
    explicit running(inline_meter& meter) noexcept : meter_{meter} { meter_.begin(); }
    ~running() { meter_.end(); }
    running(const running&) = delete;
    running& operator=(const running&) = delete;

  private:
    inline_meter& meter_;
  };

  /// How long the last call was, on the clock.
  void took(duration length) noexcept;

private:
  /// All of the first calls are measured.
  static constexpr std::uint32_t at_first = 64;
  /// One call in so many is measured while nothing is suspected.
  static constexpr std::uint32_t one_in = 256;
  /// After a call that was not short on the clock, which may be the machine's doing, two are measured: as many as it
  /// takes to demote. After one that was long, or should not have run on a loop, for as long as a second one counts.
  static constexpr std::uint32_t after_not_short = 2;
  static constexpr std::uint32_t after_suspect = functions::execution_limits{}.suspect_calls;

  void begin() noexcept;
  void end() noexcept;
  void settle(const thread_usage& used) noexcept;
  void tell() noexcept;

  event_loop& loop_;
  function_execution_ptr execution_;
  const std::uint64_t version_;
  const duration timeout_;               ///< of the version
  std::uint32_t to_measure_ = at_first;  ///< of the next calls: all
  std::uint32_t unmeasured_ = 0;         ///< since the last measured one
  std::optional<thread_usage> began_;    ///< of a call that is measured
  functions::call_samples news_;
};

}  // namespace troupe::actors
