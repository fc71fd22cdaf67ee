#include "cluster/peer_standing.hpp"

#include <utility>

namespace troupe::cluster {

peer_standings_ptr make_standings(const member_table& table,
                                  const std::function<const known_load*(const uuid& node)>& load_of,
                                  const std::function<std::uint32_t(const uuid& function)>& slots_per_instance) {
  auto made = std::make_shared<peer_standings>();
  made->homes = table.homes();
  for (const auto& [node, peer] : table.peers()) {
    auto& standing = made->peers.emplace_back();
    standing.node = node;
    standing.name = peer.name;
    standing.address = peer.address;
    standing.usable = table.state_of(node) == member_state::alive;
    const auto* load = load_of(node);
    if (load == nullptr)
      continue;
    for (const auto& [function, there] : load->functions) {
      function_at_peer at;
      at.slots = there.ready * slots_per_instance(function);
      at.in_flight = there.outstanding;
      at.queue_age = milliseconds{there.queue_age_ms};
      at.starting = there.starting > 0;
      at.may_start = there.band.max > there.ready + there.starting;
      standing.functions.emplace(function, at);
    }
  }
  return made;
}

peer_view view_of(const peer_standing& peer, const uuid& function, bool link_takes_calls, std::uint32_t outstanding) {
  peer_view view;
  view.node = peer.node;
  view.usable = peer.usable && link_takes_calls;
  view.outstanding = outstanding;
  if (const auto there = peer.functions.find(function); there != peer.functions.end()) {
    view.slots = there->second.slots;
    view.in_flight = there->second.in_flight;
    view.queue_age = there->second.queue_age;
    view.starting = there->second.starting;
    view.may_start = there->second.may_start;
  }
  return view;
}

}  // namespace troupe::cluster
