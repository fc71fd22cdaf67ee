// Lengths of time between nodes: their clocks differ, so instants never travel.
#pragma once

#include <algorithm>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe::actors {

/// In microseconds; 0 for one that is negative.
inline std::uint64_t travel_micros(duration length) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(length).count()));
}

/// What another node measured: at most a day, so that no arithmetic with it overflows.
inline duration travelled(std::uint64_t micros) {
  constexpr std::uint64_t day = 86'400'000'000;
  return std::chrono::microseconds{static_cast<std::int64_t>(std::min(micros, day))};
}

}  // namespace troupe::actors
