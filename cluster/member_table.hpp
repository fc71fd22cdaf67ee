// Who belongs to the cluster and how each stands, put together from the records (registered, live), the links
// (suspicion) and what peers say of themselves (draining, stalled). Pure. Removal is the store's: nothing here takes a
// node out. While the store's authority is away it cannot take one in either: a registered node that answers at its
// address counts as live meanwhile, in whichever life it is.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "cluster/link_dialing.hpp"
#include "cluster/node_load.hpp"
#include "cluster/suspicion.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::cluster {

/// A node as the records have it.
struct registered_node {
  uuid node;
  std::string name;
  endpoint address;   ///< where it accepts links
  bool live = false;  ///< has a session in the store
  uuid incarnation;   ///< of the session; nil without one
  bool operator==(const registered_node&) const = default;
};

/// `stalled`: takes no calls for the moment. `unreachable`: live in the store, but suspected by this node.
enum class member_state : std::uint8_t { alive, stalled, draining, unreachable, absent };
inline constexpr std::size_t member_states = 5;
/// `alive`, `stalled`, `draining`, `unreachable`, `absent`.
std::string_view to_string(member_state state) noexcept;

struct member_change {
  uuid node;
  enum class kind : std::uint8_t { joined, left, removed, suspected, healed } what = kind::joined;
  suspicion_reason why = suspicion_reason::none;
};

class member_table {
public:
  /// So long what was taken in without the authority stays after that came back: time to open a session.
  static constexpr seconds guest_time{10};

  /// @param links  of this node to each peer that are told here, at least 1.
  member_table(const uuid& self, std::size_t links, suspicion_limits limits)
      : self_{self}, links_{links}, limits_{limits} {}

  /// Replaces what the records say; this node itself may be among them.
  std::vector<member_change> set_nodes(const std::vector<registered_node>& nodes, time_point now);

  /// Whoever listens at the node's address, which this one dialed, said that it is this start of it.
  std::vector<member_change> answered(const uuid& node, const uuid& incarnation, time_point now);
  /// Once a tick. @param away  nobody can be asked who lives: the store's authority is out of reach.
  std::vector<member_change> authority_ticked(bool away, time_point now);

  // What a link went through; nodes that are not registered are passed over.
  std::vector<member_change> link_changed(const uuid& node, std::size_t link, link_phase phase, link_break why,
                                          time_point now);
  std::vector<member_change> opened(const uuid& node, std::size_t link, time_point now);
  std::vector<member_change> closed(const uuid& node, std::size_t link, time_point now);
  std::vector<member_change> refused(const uuid& node, std::size_t link, time_point now);
  std::vector<member_change> ticked(const uuid& node, std::span<const link_tick> links);
  void set_state(const uuid& node, serving_state state);

  /// All but this node, by id: as the records say, but for those that answer in another life.
  const std::map<uuid, registered_node>& peers() const noexcept { return peers_; }
  /// `absent` for a node that is not registered.
  member_state state_of(const uuid& node) const;
  /// Nodes among which functions have their homes: live, and neither suspected nor draining; this node always. By id.
  /// One that is stalled stays: it will go on, and nothing that decides there stands still.
  std::vector<uuid> homes() const;
  /// The same with those that are suspected or draining: they had been homes.
  std::vector<uuid> live() const;

private:
  struct standing {
    cluster::suspicion suspicion;
    serving_state state = serving_state::serving;
  };
  std::vector<member_change> settle(time_point now);
  registered_node present(const uuid& node) const;
  bool answers(const uuid& node) const;
  bool renew(const uuid& node, time_point now);
  template <class Fits>
  std::vector<uuid> with_self(Fits fits) const;
  template <class Judge>
  std::vector<member_change> judged(const uuid& node, Judge judge);

  uuid self_;
  std::size_t links_;
  suspicion_limits limits_;
  std::map<uuid, registered_node> records_;
  std::map<uuid, registered_node> peers_;
  std::map<uuid, standing> standings_;
  std::map<uuid, uuid> answering_;  ///< lives that said hello since the record named another one
  std::set<uuid> guests_;           ///< without a session, and taken for live
  bool authority_away_ = false;
  time_point guests_until_{};  ///< once it is back
};

}  // namespace troupe::cluster
