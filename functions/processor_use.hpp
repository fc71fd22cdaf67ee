// How much processor time a worker or a thread has had, and how long it had to wait for some.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "config/clock.hpp"

namespace troupe::functions {

struct processor_use {
  duration ran{};  ///< of all threads of a process
  /// Ready to run while no processor was free: of a process, its first thread. Nothing where the kernel does not tell.
  std::optional<duration> starved{};
};

/// Both since the process began, without its children; nothing when it is gone or the kernel tells neither. Takes some
/// 10 us.
std::optional<processor_use> processor_use_of(pid_t pid);
/// Both since the calling thread began.
processor_use processor_use_of_this_thread();
/// What the text of a `schedstat` says of the time on a queue of the scheduler; nothing when it is empty or, as from a
/// kernel that does not count, all zeros.
std::optional<duration> starved_by(std::string_view schedstat) noexcept;

/// How busy a thread was between its last two looks.
class thread_share {
public:
  /// By the thread itself, at regular times.
  void look(time_point now, const processor_use& use) noexcept;
  /// The next look has none before it.
  void forget() noexcept { *this = {}; }
  /// The part of a processor of its own that it would have used, 0 to 1; 0 before the second look.
  double value() const noexcept { return value_; }

private:
  processor_use last_{};
  time_point looked_at_{};
  double value_ = 0;
};

}  // namespace troupe::functions
