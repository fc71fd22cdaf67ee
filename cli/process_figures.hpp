// What the kernel says about this process: for /metrics.
#pragma once

#include <cstdint>

namespace troupe::cli {

struct process_figures {
  double cpu_s = 0;  ///< user and system time
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t max_descriptors = 0;
  double started_at_s = 0;  ///< since 1970
};

/// What cannot be read is 0.
process_figures read_process_figures();

}  // namespace troupe::cli
