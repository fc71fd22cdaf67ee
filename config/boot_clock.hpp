// Time that goes on while the process is stopped and the machine sleeps.
#pragma once

#include <ctime>

#include "config/clock.hpp"

namespace troupe {

/// CLOCK_BOOTTIME: since the start of the machine, suspension included.
inline milliseconds boot_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<milliseconds>(seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec});
}

}  // namespace troupe
