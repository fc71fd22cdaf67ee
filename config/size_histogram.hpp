// How many things came at a time, in buckets of powers of two. Cells as those of config/metrics: one thread writes, any
// thread reads.
#pragma once

#include <array>
#include <cstdint>

#include "config/metrics.hpp"

namespace troupe {

class size_histogram {
public:
  static constexpr std::array<double, 11> bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

  /// By the owning thread only.
  void observe(std::uint64_t size) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && static_cast<double>(size) > bounds[bucket])
      ++bucket;
    counts_[bucket].add();
    sum_.add(size);
  }

  struct totals {
    std::array<std::uint64_t, bounds.size() + 1> counts{};  ///< not cumulative; the last: more than all bounds
    std::uint64_t sum = 0;
  };
  totals read() const noexcept {
    totals all;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      all.counts[i] = counts_[i].value();
    all.sum = sum_.value();
    return all;
  }

private:
  std::array<counter_cell, bounds.size() + 1> counts_;
  counter_cell sum_;
};

}  // namespace troupe
