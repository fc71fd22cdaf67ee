// What of a call's wait is a cold start. Arithmetic only.
#pragma once

#include <algorithm>

#include "config/clock.hpp"

namespace troupe::functions {

/// The part of a call's wait, from `arrived_at` to `begun_at`, in which the instance that then ran it was starting,
/// from `start_begun_at` to `loaded_at`; zero when the two have nothing in common. Waiting behind other calls, or for
/// one that never ended, before that start began, or after it was over, is no part of it.
inline duration cold_time(time_point arrived_at, time_point begun_at, time_point start_begun_at,
                          time_point loaded_at) noexcept {
  return std::max(duration{}, std::min(begun_at, loaded_at) - std::max(arrived_at, start_begun_at));
}

}  // namespace troupe::functions
