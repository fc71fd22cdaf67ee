// How many calls a worker that runs one at a time may be given ahead, so that it need not wait for the next: arithmetic
// only. Rule: at most about a millisecond of measured work, and only while the 99th percentile of run times is below
// that (RULES: Functions and instances).
#pragma once

#include <algorithm>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe::functions {

class prefetch_depth {
public:
  static constexpr std::uint32_t most = 16;
  /// A head that runs longer has the calls behind it taken back.
  static constexpr milliseconds longest_head{5};

  /// A call took `ran` in the worker.
  void measured(duration ran) noexcept {
    // Exponential averages over the last 64 calls or so. One slow call lifts its share above 1 %, and it takes about
    // 30 fast ones to come back below; from the start about 300.
    constexpr double weight = 1.0 / 64;
    slow_share_ += ((ran >= budget ? 1.0 : 0.0) - slow_share_) * weight;
    mean_ns_ += (static_cast<double>(ran.count()) - mean_ns_) * weight;
  }

  /// Calls that may wait in the worker behind the one that runs.
  std::uint32_t depth() const noexcept {
    if (slow_share_ >= 0.01)
      return 0;
    const auto budget_ns = static_cast<double>(duration{budget}.count());
    return static_cast<std::uint32_t>(std::clamp(budget_ns / std::max(mean_ns_, 1.0), 1.0, double{most}));
  }

private:
  static constexpr milliseconds budget{1};
  double slow_share_ = 1.0;  // nothing is known of a new worker
  double mean_ns_ = 0;
};

}  // namespace troupe::functions
