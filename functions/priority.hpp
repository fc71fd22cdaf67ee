// Scheduling priorities of workers: they start at a lower one than what serves requests, and come back from it.
#pragma once

#include <sys/types.h>

namespace troupe::functions {

/// Added to the node's own nice value while a worker starts and loads its code.
inline constexpr int start_nice = 10;

/// Whether this process may give back to others the priority that it has itself. Without privileges (CAP_SYS_NICE or
/// RLIMIT_NICE) Linux only lets it be lowered: then workers must not start lowered. Tries it, on a thread of its own.
bool may_restore_priority();

/// Gives all threads of a worker's process group the node's own nice value; a worker that has ended is ignored.
void restore_priority(pid_t worker);

}  // namespace troupe::functions
