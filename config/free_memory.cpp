#include "config/free_memory.hpp"

#include <malloc.h>

// The allocator of the program `troupe`; others, and sanitizers, have their own.
extern "C" void mi_collect(bool force) __attribute__((weak));

namespace troupe {

void give_back_free_memory() noexcept {
  if (mi_collect != nullptr)
    mi_collect(true);
  else
    ::malloc_trim(0);
}

}  // namespace troupe
