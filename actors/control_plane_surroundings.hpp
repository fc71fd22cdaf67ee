// What connects the control plane with the rest of its node.
#pragma once

#include <cstdint>
#include <functional>

#include "actors/envelope_body.hpp"
#include "cluster/node_event.hpp"
#include "cluster/node_load.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

/// What the control plane asks of the node and tells it, all on the control loop. Any may be empty.
struct control_plane_surroundings {
  std::function<cluster::node_load()> load;
  std::function<void(const uuid& node)> peer_connected;
  std::function<void(const uuid& node)> peer_lost;
  /// `peers().find(node, now)` has news.
  std::function<void(const uuid& node)> load_changed;
  std::function<void(const uuid& node, cluster::serving_state state)> drain_noticed;
  /// Node `from`, in the start `incarnation`, has the function run: either it is the function's home and says within
  /// which band, or it asks for an instance. `reply` is called once, on the control loop, when the band is kept to or
  /// an instance has started, or not.
  std::function<void(const uuid& from, const uuid& incarnation, const spawn_request& what,
                     std::function<void(expected<void>)> reply)>
      spawn;
  std::function<void(const uuid& from, const function_report& report)> function_reported;
  /// What happened to this node, or with a function the lines of its log here.
  std::function<cluster::event_page(const uuid& function, std::uint64_t after, std::uint32_t limit)> events;
  /// A stranger, or a peer that is not who the list says, was turned away.
  std::function<void(const error& why)> refused;
};

}  // namespace troupe::actors
