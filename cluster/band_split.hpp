// How a function's minimum and maximum are split over the nodes: arithmetic only. When that may be done, and how nodes
// learn of it without the maximum being passed in between, is cluster/instance_plan's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cluster/instance_band.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// How a node stands towards one function.
struct split_member {
  uuid node;
  bool is_home = false;
  std::uint32_t running = 0;      ///< instances that run or start
  std::uint32_t wanted = 0;       ///< that it would start beside them, had it the room
  std::uint32_t outstanding = 0;  ///< calls that run or wait there
  duration queue_age{};           ///< of the oldest call that waits there
  std::uint32_t fits = no_max;    ///< further instances that its memory has room for
  std::uint64_t memory_left_bytes = 0;
  instance_band given;  ///< what it was last given
};

struct split_limits {
  std::uint32_t min = 0;
  std::uint32_t max = 0;  ///< 0: none
};

/// What a home may take away. Room that nobody uses always moves; instances above the maximum always go.
enum class lowering : std::uint8_t { allowed, not_yet };

/// The minimum goes where instances run already, then to the home, then to the nodes with most memory left, one each
/// before anyone has two. Room of the maximum goes to instances that run, then to nodes that ask, the oldest queue
/// first; the rest stays where it is, and what nobody has is the home's. Equal input gives equal output, and what was
/// given is changed no more than that takes.
/// @returns a band per member, in their order; their maxima add up to `limits.max` at most, and are 0 without one.
std::vector<instance_band> split_band(const split_limits& limits, std::span<const split_member> members,
                                      lowering may_lower);

}  // namespace troupe::cluster
