// The node's view of its peers, kept on the control loop: feeds cluster::member_table with what the links and the
// control plane tell, and publishes the outcome to the loops that route calls. Decides nothing itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/node_link.hpp"
#include "actors/peer_calls.hpp"
#include "cluster/member_table.hpp"
#include "cluster/peer_status.hpp"

namespace troupe::actors {

struct membership_config {
  uuid self;
  std::size_t links = 1;  ///< to each peer: one per loop
  cluster::suspicion_limits suspicion;
  /// Gives all loops the new standings.
  std::function<void(peer_standings_ptr)> publish;
  /// Somebody joined, left, was removed, is suspected or is trusted again. For events and the log.
  std::function<void(const cluster::member_change& change, const std::string& name)> on_change;
  /// Who the peers are, where and in which life.
  std::function<void()> peers_changed;
  /// What a peer last said of its load, or null.
  std::function<const cluster::known_load*(const uuid& node)> load_of;
  /// Whether nobody can be asked who lives: the store's authority is out of reach.
  std::function<bool()> authority_away;
  /// Calls that one instance of a function takes at a time; 0 for a function that is not known here.
  std::function<std::uint32_t(const uuid& function)> slots_per_instance;
};

/// Belongs to the control loop.
class membership final : private tick_listener {
public:
  membership(event_loop& control, membership_config config);
  ~membership();
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;

  void start();
  void stop();

  /// Who is registered and who of them lives, as the catalog has it.
  void set_nodes(const std::vector<cluster::registered_node>& nodes);
  /// At the peer's address this start of it answers.
  void answered(const uuid& node, const uuid& incarnation);
  /// The link of one loop to a peer was made anew.
  void watch(const uuid& node, std::size_t link, std::shared_ptr<const link_pulse> pulse);
  void link_changed(const uuid& node, std::size_t link, const link_change& change);
  /// The peer said something new of its load.
  void load_changed(const uuid& node);
  void state_noticed(const uuid& node, cluster::serving_state state);

  const cluster::member_table& table() const noexcept { return table_; }
  /// The links to each peer, by loop; one that was not made yet is null.
  const std::map<uuid, std::vector<std::shared_ptr<const link_pulse>>>& pulses() const noexcept { return pulses_; }

private:
  void on_tick(time_point now) override;
  void tell(const std::vector<cluster::member_change>& changes);
  template <class Change>
  void change_peers(Change change);
  void publish();
  std::string name_of(const uuid& node) const;

  event_loop& loop_;
  membership_config config_;
  cluster::member_table table_;
  std::map<uuid, std::vector<std::shared_ptr<const link_pulse>>> pulses_;
  std::map<uuid, std::string> names_;  ///< also of nodes that were just removed
  bool changed_ = false;
  time_point published_at_{};
  bool started_ = false;
};

}  // namespace troupe::actors
