// Memory that was freed and that the allocator keeps.
#pragma once

namespace troupe {

/// Gives back to the system what the calling thread has freed: after much was in use that will not be needed soon again.
/// Takes up to some milliseconds.
void give_back_free_memory() noexcept;

}  // namespace troupe
