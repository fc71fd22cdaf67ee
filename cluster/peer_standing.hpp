// How the peers of a node stand when a call is to be routed: made on the control loop out of the member table and the
// peers' loads, read by every loop. Who is trusted is decided in member_table, where a call goes in call_routing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/call_routing.hpp"
#include "cluster/member_table.hpp"
#include "cluster/peer_status.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::cluster {

/// How the instances of one function at a peer stand.
struct function_at_peer {
  std::uint32_t slots = 0;      ///< calls that they take at a time
  std::uint32_t in_flight = 0;  ///< calls that run or wait there
  duration queue_age{};
  bool starting = false;   ///< one more is about to be ready
  bool may_start = false;  ///< its part of the function's maximum is not used up
};

struct peer_standing {
  uuid node;
  std::string name;
  endpoint address;     ///< where it accepts links
  bool usable = false;  ///< neither suspected nor draining nor stalled
  std::unordered_map<uuid, function_at_peer> functions;
};

/// One object for all loops; replaced when anything in it changes.
struct peer_standings {
  std::vector<peer_standing> peers;
  std::vector<uuid> homes;  ///< nodes among which functions have their homes, this one included
};
using peer_standings_ptr = std::shared_ptr<const peer_standings>;

/// @param load_of             what a peer last said of its load, or null.
/// @param slots_per_instance  calls that one instance of a function takes at a time; 0 for one that is not known here.
peer_standings_ptr make_standings(const member_table& table,
                                  const std::function<const known_load*(const uuid& node)>& load_of,
                                  const std::function<std::uint32_t(const uuid& function)>& slots_per_instance);

/// How a peer stands towards `function`. Of the caller's own loop: `link_takes_calls`, whether its link to the peer
/// does, and `outstanding`, its calls of the function there that are not answered.
peer_view view_of(const peer_standing& peer, const uuid& function, bool link_takes_calls, std::uint32_t outstanding);

}  // namespace troupe::cluster
