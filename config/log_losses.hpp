// Lines of the log that were lost, by how they came: for metrics. The sum is `dropped_log_lines` (config/log).
#pragma once

#include <cstdint>

namespace troupe {

struct log_losses {
  std::uint64_t events = 0;     ///< lines of `log_event`
  std::uint64_t collected = 0;  ///< of `log_lines`

  std::uint64_t all() const noexcept { return events + collected; }
  log_losses& operator+=(const log_losses& more) noexcept {
    events += more.events;
    collected += more.collected;
    return *this;
  }
};

/// Since the program began. From any thread.
log_losses lost_log_lines() noexcept;

}  // namespace troupe
