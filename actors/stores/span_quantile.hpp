// How long the last few hundred of something took. For the health of stores.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "config/clock.hpp"

namespace troupe::actors {

/// Belongs to one thread.
class span_quantile {
public:
  void add(duration took) { spans_[next_++ % spans_.size()] = took; }
  /// Rounded up; zero before the first.
  milliseconds p99() const {
    std::vector<duration> sorted{spans_.begin(),
                                 spans_.begin() + static_cast<std::ptrdiff_t>(std::min(next_, spans_.size()))};
    if (sorted.empty())
      return milliseconds{0};
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 99 / 100);
    std::nth_element(sorted.begin(), at, sorted.end());
    return std::chrono::ceil<milliseconds>(*at);
  }

private:
  std::array<duration, 512> spans_{};
  std::size_t next_ = 0;
};

}  // namespace troupe::actors
