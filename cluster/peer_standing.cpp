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
    for (const auto& [function, there] : load->functions)
      standing.functions.emplace(function, function_at_peer{there.ready * slots_per_instance(function),
                                                            there.outstanding, milliseconds{there.queue_age_ms}});
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
  }
  return view;
}

}  // namespace troupe::cluster
