// How many generic workers ("stem cells") of a class should wait: arithmetic only. None until a function of the class
// is deployed, then one, then as many as were taken lately, so that a burst of cold starts like the last one finds its
// workers started.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>

#include "config/clock.hpp"

namespace troupe::functions {

class stem_policy {
public:
  static constexpr seconds window{30};
  /// A class in which nothing starts any more keeps no process.
  static constexpr seconds forget_after{600};

  /// @param most  of one class, at least 1.
  explicit stem_policy(std::size_t most) : most_{most} {}

  /// A function of the class was deployed, or the node started with one.
  void used(time_point now) noexcept { last_use_ = now; }
  /// An instance of the class was started, from a stem cell or without.
  void started(time_point now) {
    used(now);
    starts_.push_back(now);
    while (starts_.size() > most_)
      starts_.pop_front();
  }
  std::size_t wanted(time_point now) {
    while (!starts_.empty() && now - starts_.front() > window)
      starts_.pop_front();
    if (now - last_use_ > forget_after)
      return 0;
    return std::clamp<std::size_t>(starts_.size(), 1, most_);
  }

private:
  std::size_t most_;
  time_point last_use_{};
  std::deque<time_point> starts_;
};

}  // namespace troupe::functions
