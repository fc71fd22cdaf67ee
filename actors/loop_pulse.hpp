// What an event loop shows of what it does, for the watchdog: the loop writes, any thread reads, nothing waits.
#pragma once

#include <atomic>
#include <cstdint>

#include "functions/stall_watch.hpp"

namespace troupe::actors {

class loop_pulse {
public:
  // -- by the loop's thread only: a plain load and store do
  /// Work begins, or ends.
  void turn() noexcept { raise(turns_); }
  /// @param function  its number (function_execution), never 0.
  /// @param timeout   of the version that runs: another one's says nothing of this call.
  void begin_call(std::uint64_t function, duration timeout) noexcept {
    raise(calls_);
    function_.store(function, std::memory_order_release);
    timeout_.store(timeout.count(), std::memory_order_release);
  }
  void end_call() noexcept { function_.store(0, std::memory_order_relaxed); }

  // -- by any thread
  /// Against the order in which `begin_call` writes: who sees what is of a new call sees that it is another one. The
  /// time of a long call beside the timeout of a short one would end the node.
  functions::pulse_reading read() const noexcept {
    functions::pulse_reading seen;
    seen.timeout = duration{timeout_.load(std::memory_order_acquire)};
    seen.function = function_.load(std::memory_order_acquire);
    seen.calls = calls_.load(std::memory_order_relaxed);
    seen.turns = turns_.load(std::memory_order_relaxed);
    return seen;
  }

private:
  static void raise(std::atomic<std::uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  alignas(64) std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> function_{0};
  std::atomic<duration::rep> timeout_{0};
};

}  // namespace troupe::actors
