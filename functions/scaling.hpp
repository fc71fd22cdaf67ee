// How many instances of a function this node should start now: arithmetic only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "config/clock.hpp"
#include "functions/instance_work.hpp"

namespace troupe::functions {

struct scaling_view {
  std::size_t ready = 0;          ///< instances of the current version that take calls
  std::size_t starting = 0;       ///< of the current version
  std::size_t queued = 0;         ///< calls that wait on the loop that asks
  duration oldest{};              ///< how long the first of them has waited
  std::size_t concurrency = 1;    ///< calls at a time per instance
  std::size_t max_instances = 0;  ///< 0: no bound
  instance_work work{};           ///< of the instances of late; nothing: not known yet
  duration typical_run{};         ///< of a call; zero: none has ended yet
  double loop_share = 0;          ///< of a core that the loop that asks would use if it had one; 0: not known
  std::size_t cores = 1;          ///< that this node may use
};

/// A queue this old shows that instances are too few, not merely busy for a moment.
inline constexpr milliseconds growth_age{25};
/// An instance that would use no more than this of a core of its own while it has calls is one that waits.
inline constexpr double waiting_share = 0.25;
/// A loop that is as busy as this cannot feed more instances with calls ...
inline constexpr double full_loop = 0.9;
/// ... if it is these calls that fill it: so many a second cost a loop a fifth of its time, some 40 us each.
inline constexpr double filling_calls_per_s = 5000;
/// Processors are used up for instances that wait for one for such a part of the time for which they want one.
inline constexpr double full_cores = 1.0 / 3;
/// Where the kernel does not tell how long they wait: when they have used such a part of all cores. Their node's loops
/// take some of the rest.
inline constexpr double used_cores = 0.75;
/// So many cores' worth of instances for each core: some wait while others compute.
inline constexpr double instances_per_core = 2;

/// Whether it is calls of this function that fill the loop that asks.
inline bool fills_loop(const scaling_view& view) noexcept {
  const auto run_s = std::chrono::duration<double>(view.typical_run).count();
  return view.loop_share >= full_loop && run_s > 0 &&
         static_cast<double>(view.ready * view.concurrency) >= filling_calls_per_s * run_s;
}

/// How many instances can be of use, however many calls wait: clients that send the next call when they have the
/// answer keep a queue standing whatever runs, and where processors are used up one more process only takes its share
/// from the others.
inline std::size_t useful_instances(const scaling_view& view) noexcept {
  const auto ns = [](duration length) { return static_cast<double>(length.count()); };
  const auto at_least_ready = [&](double found) {
    return std::max(view.ready, static_cast<std::size_t>(std::ceil(found)));
  };
  const auto cores = static_cast<double>(view.cores);
  const auto busy = ns(view.work.busy), ran = ns(view.work.ran), starved = ns(view.work.starved.value_or(duration{}));
  if (busy <= 0 || fills_loop(view))
    return at_least_ready(cores);
  if (!view.work.starved && static_cast<double>(view.ready) * ran >= used_cores * cores * busy)
    return at_least_ready(instances_per_core * cores);
  const auto share = std::max(ran / std::max(busy - starved, std::max(ran, 1.0)), 1e-6);
  // Others may be who uses them up: one core's worth for each core has its share.
  const bool used_up = share > waiting_share && starved > full_cores * (ran + starved);
  return at_least_ready((used_up ? 1 : instances_per_core) * cores / share);
}

/// Whether one more than those that run and start can be of use.
inline bool more_are_of_use(const scaling_view& view) noexcept {
  return view.ready == 0 || useful_instances(view) > view.ready + view.starting;
}

/// @returns how many instances to start in addition to those that are starting. From zero: one. Otherwise, while the
/// queue is older than `growth_age`, what the waiting calls need, but at most as many as run already: the number
/// doubles per start. Never more than `max_instances` in all, nor than can be of use.
inline std::size_t instances_to_start(const scaling_view& view) {
  if (view.ready == 0)
    return view.starting == 0 && view.queued > 0 ? 1 : 0;
  if (view.oldest < growth_age)
    return 0;
  const auto needed = (view.queued + view.concurrency - 1) / view.concurrency;
  auto most = useful_instances(view);
  if (view.max_instances != 0)
    most = std::min(most, view.max_instances);
  const auto allowed = std::min({needed, view.ready, most - std::min(most, view.ready)});
  return allowed > view.starting ? allowed - view.starting : 0;
}

}  // namespace troupe::functions
