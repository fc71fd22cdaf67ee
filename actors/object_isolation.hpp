// Where the shared objects of this node run: as the operator said, but for those that took the node with them.
#pragma once

#include <memory>

#include "config/settings.hpp"
#include "functions/crash_counts.hpp"
#include "functions/running_objects.hpp"

namespace troupe::actors {

/// Made at the start; afterwards only the slots change, each on its own thread.
struct object_isolation {
  native_isolation wanted = native_isolation::process;
  functions::crash_counts crashes;
  /// A slot per loop by its index, one for the files thread, which loads, and one per compute loop; null unless objects
  /// run in this process.
  std::unique_ptr<functions::running_objects> running;
  std::size_t loader_slot = 0;
  std::size_t first_compute_slot = 0;

  native_isolation of(const digest& object) const {
    return crashes.isolates(object) ? native_isolation::process : wanted;
  }
  functions::running_slot* slot(std::size_t index) const { return running ? &running->slot(index) : nullptr; }
  functions::running_slot* loader() const { return slot(loader_slot); }
};

}  // namespace troupe::actors
