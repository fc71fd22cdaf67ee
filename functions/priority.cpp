#include "functions/priority.hpp"

#include <sys/resource.h>

#include <thread>

namespace troupe::functions {

bool may_restore_priority() {
  bool restored = false;
  // The nice value belongs to a thread, whatever POSIX says: who calls keeps theirs.
  std::thread{[&restored] {
    const int own = ::getpriority(PRIO_PROCESS, 0);
    if (own >= PRIO_MAX)
      return;
    restored = ::setpriority(PRIO_PROCESS, 0, own + 1) == 0 && ::setpriority(PRIO_PROCESS, 0, own) == 0;
  }}.join();
  return restored;
}

void restore_priority(pid_t worker) {
  ::setpriority(PRIO_PGRP, static_cast<id_t>(worker), ::getpriority(PRIO_PROCESS, 0));
}

}  // namespace troupe::functions
