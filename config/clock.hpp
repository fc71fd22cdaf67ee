// Instants and lengths of time. Pure code is handed `now`; only actors and loops read a clock.
#pragma once

#include <chrono>

namespace troupe {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Milliseconds since 1970 UTC, for events, logs and answers; never for lengths of time.
inline std::chrono::milliseconds wall_now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace troupe
