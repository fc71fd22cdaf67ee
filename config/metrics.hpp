// Counts that one thread writes and any thread reads: cells that cost an ordinary addition on the hot path. Who prints
// them sums the cells of all loops (http/metrics_page).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe {

/// Only grows. A reader sees a value that was true a moment ago, never one that was not.
class counter_cell {
public:
  /// By the owning thread only.
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// Lengths of time in buckets of fixed bounds, from half a millisecond, below which a gateway's answers lie, to the
/// longest that HTTP waits; two or three buckets a decade, as Prometheus suggests.
class duration_histogram {
public:
  static constexpr std::array<double, 15> bounds_s = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                      0.25,   0.5,   1,      2.5,   5,    10,    30};

  /// By the owning thread only.
  void observe(duration length) noexcept {
    const auto length_s = std::chrono::duration<double>(length).count();
    std::size_t bucket = 0;
    while (bucket < bounds_s.size() && length_s > bounds_s[bucket])
      ++bucket;
    counts_[bucket].add();
    sum_ns_.add(static_cast<std::uint64_t>(
        std::max<duration::rep>(std::chrono::duration_cast<std::chrono::nanoseconds>(length).count(), 0)));
  }

  /// Sums of several histograms; not cumulative.
  struct totals {
    std::array<std::uint64_t, bounds_s.size() + 1> counts{};  ///< the last: longer than all bounds
    double sum_s = 0;

    std::uint64_t count() const noexcept {
      std::uint64_t all = 0;
      for (const auto each : counts)
        all += each;
      return all;
    }
  };
  void add_to(totals& all) const noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      all.counts[i] += counts_[i].value();
    all.sum_s += static_cast<double>(sum_ns_.value()) / 1e9;
  }

private:
  std::array<counter_cell, bounds_s.size() + 1> counts_;
  counter_cell sum_ns_;
};

}  // namespace troupe
