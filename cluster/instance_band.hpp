// A node's part of a function's minimum and maximum of instances in the cluster. Given by the function's home
// (cluster/instance_plan), kept by the node (cluster/node_bands).
#pragma once

#include <cstdint>
#include <limits>

#include "config/ids.hpp"

namespace troupe::cluster {

/// Of a function without a maximum: memory alone bounds how many instances a node has.
inline constexpr std::uint32_t no_max = std::numeric_limits<std::uint32_t>::max();

struct instance_band {
  std::uint32_t min = 0;  ///< instances that are kept without calls
  std::uint32_t max = 0;  ///< instances at a time; not used of a function without a maximum
  bool operator==(const instance_band&) const = default;
};

/// What a home tells a node about one function.
struct band_order {
  uuid node;
  uuid function;
  std::uint64_t version = 0;  ///< of the function, as the home knows it
  std::uint64_t number = 0;   ///< from 1, rising with each order of this start of the home
  instance_band band;
  bool operator==(const band_order&) const = default;
};

}  // namespace troupe::cluster
