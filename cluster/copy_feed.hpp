// What a node sends to those that follow it: rows as they become durable, or the whole store to who is too far behind.
// Knows how far each one is. Bounded by what a follower has not yet said to be durable.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/history.hpp"
#include "cluster/store_action.hpp"
#include "cluster/store_message.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

struct feed_limits {
  std::size_t message_bytes = std::size_t{1} << 20;  ///< of rows or records in one message, plus one row
  std::size_t window_bytes = std::size_t{4} << 20;   ///< sent and not yet said to be durable
};

/// How far a follower is, as it said.
struct follower_level {
  cursor at;
  digest hash;
  time_point said_at;
};

class copy_feed {
public:
  explicit copy_feed(feed_limits limits = {}) : limits_{limits} {}

  /// Takes a follower in, at its cursor when it has a part of this history whose rows are still there, otherwise from
  /// nothing. One whose history differs gets nothing.
  void subscribe(const node_id& node, const subscribe_message& from, const store_identity& identity,
                 const history& records, time_point now);
  void drop(const node_id& node);
  /// @returns those that followed.
  std::vector<node_id> drop_all();
  void said(const node_id& node, const level_message& durable, time_point now);
  /// Asks for the next piece of a load.
  void load_next(const node_id& node, std::uint64_t piece);

  /// What can be sent now.
  std::vector<send_message> pump(const store_identity& identity, const history& records);

  bool follows(const node_id& node) const { return followers_.contains(node); }
  /// Null when it does not follow, or has not said anything yet.
  const follower_level* level(const node_id& node) const;
  /// Those that follow and have not said to be at or past `at`.
  std::vector<node_id> behind(cursor at) const;

private:
  /// A store on its way to one follower.
  struct load {
    std::shared_ptr<const stored_store> store;
    std::size_t records = 0;  ///< sent
    std::size_t heads = 0;
    std::uint64_t piece = 0;
    bool asked = true;
  };
  struct follower {
    cursor sent;
    std::deque<std::pair<cursor, std::size_t>> in_flight;
    std::size_t in_flight_bytes = 0;
    std::optional<follower_level> level;
    std::optional<load> loading;
  };

  load_message next_piece(load& loading) const;
  void pump_rows(const node_id& node, follower& to, const store_identity& identity, const history& records,
                 std::vector<send_message>& out);
  std::shared_ptr<const stored_store> picture(const store_identity& identity, const history& records);

  feed_limits limits_;
  std::map<node_id, follower> followers_;
  std::weak_ptr<const stored_store> last_picture_;  ///< loads that begin at one cursor share it
};

}  // namespace troupe::cluster
