// How much memory a worker uses: what /proc says of its process and of those below it.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace troupe::functions {

struct memory_use {
  std::uint64_t resident_kb = 0;  ///< of the process and its descendants, shared pages counted in each
  std::uint64_t peak_kb = 0;      ///< the largest resident set that the process itself ever had
};

/// Zeros when the process is gone or /proc does not tell. Takes some 20 us, longer with descendants, of which it looks
/// at 256 at most.
memory_use memory_of(pid_t pid);

}  // namespace troupe::functions
