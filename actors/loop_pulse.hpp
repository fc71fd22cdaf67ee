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
  void begin_call(std::uint64_t function) noexcept {
    raise(calls_);
    function_.store(function, std::memory_order_relaxed);
  }
  void end_call() noexcept { function_.store(0, std::memory_order_relaxed); }

  // -- by any thread
  functions::pulse_reading read() const noexcept {
    return {turns_.load(std::memory_order_relaxed), calls_.load(std::memory_order_relaxed),
            function_.load(std::memory_order_relaxed)};
  }

private:
  static void raise(std::atomic<std::uint64_t>& count) noexcept {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  alignas(64) std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> function_{0};
};

}  // namespace troupe::actors
