// What a simulated node believes of its peers, on its control loop, as actors/membership and control_plane do it: who
// is registered and lives, who is suspected, how loaded each says that it is.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "cluster/member_table.hpp"
#include "cluster/node_load.hpp"
#include "cluster/peer_standing.hpp"
#include "cluster/peer_status.hpp"
#include "cluster/peer_table.hpp"
#include "dialer.hpp"

namespace troupe::sim::calls {

/// Two nodes whose control planes are connected.
struct contact {
  std::array<std::size_t, 2> ends{};
  std::array<std::uint64_t, 2> lives{};
  bool open = true;
};

class peers_view {
public:
  explicit peers_view(process& of);
  ~peers_view();

  void set_nodes(std::vector<cluster::registered_node> nodes);
  /// A link reached this start of the peer.
  void answered(std::size_t peer, const uuid& incarnation);
  void watch(std::size_t peer, std::size_t link, std::shared_ptr<const pulse> beat);
  void link_changed(std::size_t peer, std::size_t link, cluster::link_phase phase, cluster::link_break why);
  void on_tick(time_point now);
  /// This node takes no new calls and says so.
  void announce_drain();

  const cluster::member_table& table() const noexcept { return table_; }
  bool trusts(std::size_t peer) const;

private:
  void tell(const std::vector<cluster::member_change>& changes);
  template <class Change>
  void change_peers(Change change);
  void publish();
  // Control plane:
  void dial_due(time_point now);
  void meet(std::size_t peer);
  void connected(const std::shared_ptr<contact>& with, std::size_t peer);
  void lost(std::size_t peer);
  void send(std::size_t peer, std::function<void(peers_view& there)> what);
  void tell_load(time_point now);
  void report(std::size_t from, const uuid& incarnation, const cluster::load_report& what);
  void state_noticed(std::size_t from, cluster::serving_state state);

  process& of_;
  cluster::member_table table_;
  std::map<uuid, std::vector<std::shared_ptr<const pulse>>> pulses_;
  bool changed_ = false;
  cluster::peer_table contacts_;
  cluster::peer_status status_;
  cluster::load_reporter reporter_;
  std::map<std::size_t, std::shared_ptr<contact>> met_;
  std::map<std::size_t, int> unheard_;  ///< reports that could not be sent
  time_point next_report_{};
  time_point authority_seen_at_{};
  cluster::serving_state state_ = cluster::serving_state::serving;
};

}  // namespace troupe::sim::calls
