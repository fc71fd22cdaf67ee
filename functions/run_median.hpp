// The median of a function's run times of late, as one number that its loop writes and any thread reads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe::functions {

class run_median {
public:
  /// A call ran for `ran`. By the owning thread only.
  void measured(duration ran) noexcept {
    // Each call pulls the estimate towards itself by a sixteenth at most: where as many pull up as down it rests, and
    // how far out an outlier lies does not matter. It takes some 40 calls to follow to a tenth or to the tenfold.
    const auto ns = std::max<std::int64_t>(ran.count(), 1);
    const auto now = ns_.load(std::memory_order_relaxed);
    const auto step = now / 16 + 1;
    ns_.store(now == 0 ? ns : std::clamp(ns, now - step, now + step), std::memory_order_relaxed);
  }

  /// Zero before the first call.
  duration value() const noexcept { return duration{ns_.load(std::memory_order_relaxed)}; }

private:
  std::atomic<std::int64_t> ns_{0};
};

}  // namespace troupe::functions
