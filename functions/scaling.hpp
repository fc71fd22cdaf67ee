// How many instances of a function this node should start now: arithmetic only.
#pragma once

#include <algorithm>
#include <cstddef>

#include "config/clock.hpp"

namespace troupe::functions {

struct scaling_view {
  std::size_t ready = 0;          ///< instances of the current version that take calls
  std::size_t starting = 0;       ///< of the current version
  std::size_t queued = 0;         ///< calls that wait on the loop that asks
  duration oldest{};              ///< how long the first of them has waited
  std::size_t concurrency = 1;    ///< calls at a time per instance
  std::size_t max_instances = 0;  ///< 0: no bound
};

/// A queue this old shows that instances are too few, not merely busy for a moment: a CPU-bound handler that keeps up
/// must not get a process per client.
inline constexpr milliseconds growth_age{25};

/// @returns how many instances to start in addition to those that are starting. From zero: one. Otherwise, while the
/// queue is older than `growth_age`, what the waiting calls need, but at most as many as run already: the number
/// doubles per start. Never more than `max_instances` in all.
inline std::size_t instances_to_start(const scaling_view& view) {
  if (view.ready == 0)
    return view.starting == 0 && view.queued > 0 ? 1 : 0;
  if (view.oldest < growth_age)
    return 0;
  const auto needed = (view.queued + view.concurrency - 1) / view.concurrency;
  auto allowed = std::min(needed, view.ready);
  if (view.max_instances != 0)
    allowed = std::min(allowed, view.max_instances - std::min(view.max_instances, view.ready));
  return allowed > view.starting ? allowed - view.starting : 0;
}

}  // namespace troupe::functions
