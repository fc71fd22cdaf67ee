// What is counted of one function at the node that runs it, wherever its calls entered the cluster: per event loop
// cells for the calls, written by the instances and the router of that loop, and what its supervisor saw of its
// instances. Kept over deployments; ends with the function.
#pragma once

#include <array>
#include <cstddef>

#include "config/errc.hpp"
#include "config/metrics.hpp"
#include "functions/outcome.hpp"

namespace troupe::actors {

/// Calls of one function on one loop.
struct alignas(64) function_cells {
  counter_cell succeeded;
  std::array<counter_cell, errc_count> failures;  ///< of calls that an instance here had
  std::array<counter_cell, errc_count> refusals;  ///< of calls that none here had
  duration_histogram waited;                      ///< for an instance, from when the cluster had the call
  duration_histogram ran;
  counter_cell cold_starts;  ///< calls that waited for an instance to start

  /// An instance has settled a call. By the loop's thread only, as all of this.
  void settle(const functions::outcome& result) noexcept;
  void refuse(errc cause) noexcept { refusals[static_cast<std::size_t>(cause) % errc_count].add(); }
};

/// Instances of one function; written by its supervisor.
struct instance_cells {
  counter_cell begun;       ///< starts
  duration_histogram took;  ///< those that went well
  counter_cell failed;      ///< starts that did not
  counter_cell abandoned;   ///< starts that were given up before that was known
  counter_cell stopped;     ///< ended since they were told to
  counter_cell crashed;     ///< ended by themselves, or for want of memory
  counter_cell timed_out;   ///< ended since a call took too long
};

}  // namespace troupe::actors
