// One node's part of the built-in engine: primary, copy, or waiting to join. Pure: no disk, no socket, no clock, no
// thread; every event returns what is to be done about it. The rules of each part are in its own file (primary,
// session_table, claims, store_move, copy_feed, copy_sync, history_compare); this one lets them work together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/history.hpp"
#include "cluster/node_record.hpp"
#include "cluster/store_action.hpp"
#include "cluster/store_call.hpp"
#include "cluster/store_message.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

struct store_node_options {
  node_record self;
  uuid incarnation;
  primary_limits limits{};
  std::size_t max_waiting = 1'024;  ///< calls; more are refused with `unavailable`
  std::size_t max_waiting_bytes = std::size_t{64} << 20;
  std::size_t max_group = 100;  ///< calls in one `persist_rows`
  std::size_t max_group_bytes = std::size_t{8} << 20;
  milliseconds tick_interval{100};  ///< how often `tick` is told
  milliseconds start_wait{5'000};   ///< how long a starting primary asks the registered nodes
  milliseconds move_wait{2'000};    ///< how long commits stay closed for a move
  milliseconds reach_wait{1'000};   ///< a primary that is away for less is waited for
};

enum class persist_failure : std::uint8_t {
  full = 1,   ///< nothing was written; a later try may succeed
  refused,    ///< nothing was written, and nothing will be until the node is started again
  unknown,    ///< may be on the disk or not; the next start shows it
  postponed,  ///< nothing was written, as something else has to come first; a later try may succeed
};

/// A copy as the primary sees it, or the node itself.
struct copy_status {
  node_id node;
  std::string name;
  cursor at;              ///< durable there, as last said
  std::uint64_t lag = 0;  ///< commits
  bool linked = false;
  bool level = false;  ///< same cursor and hash, said within the last second
};

struct store_status {
  store_role role = store_role::empty;
  store_identity identity;
  cursor at;
  digest hash;  ///< of the history; equal where histories are equal
  node_id primary;
  std::string primary_name;
  bool in_reach = false;            ///< the primary; for the primary itself whether it commits
  milliseconds out_of_reach{0};     ///< for how long
  std::string halted;               ///< not empty: why nothing is committed
  std::vector<copy_status> copies;  ///< at the primary only
  std::size_t sessions = 0;
};

/// A node to which a store link is wanted.
struct wanted_link {
  node_id node;
  std::vector<std::string> addresses;
};

/// Belongs to one thread.
class store_node {
public:
  /// @param found  what the disk holds; nothing on an empty disk, which waits to join. A store without any row founds a
  ///               cluster.
  /// @returns `errc::corrupt` as `history::make`.
  static expected<store_node> make(store_node_options options, std::optional<stored_store> found, store_now now);

  store_node(store_node&&) noexcept;
  store_node& operator=(store_node&&) noexcept;
  ~store_node();

  /// The first event.
  store_actions start(store_now now);

  /// A call of this node. Answered exactly once, by an `answer_call`, at `deadline` at the latest unless a disk is
  /// being waited for.
  /// @param number  of the caller's choice, below 2^64 - 1, not in use.
  store_actions call(std::uint64_t number, store_call call, time_point deadline, store_now now);

  store_actions link_up(node_id node, store_now now);
  /// Also for a link that comes up a second time.
  store_actions link_down(node_id node, store_now now);
  /// No link came about. @param why  one line for humans, for whoever waits for that node.
  void link_failed(node_id node, std::string why);
  store_actions received(node_id from, store_message message, store_now now);

  store_actions persisted(std::uint64_t number, store_now now);
  /// @param why  one line for humans.
  store_actions persist_failed(std::uint64_t number, persist_failure failure, std::string why, store_now now);

  /// To `probe_incarnation`.
  store_actions probed(node_id node, uuid incarnation, bool alive, store_now now);
  /// Every `tick_interval`. A tick that is more than 1 s late gives every session its full time again.
  store_actions tick(store_now now);

  /// What is durable here; empty until a history was loaded.
  const history& records() const noexcept;
  store_status status(store_now now) const;
  /// Where links are wanted. Seeds are the caller's matter, while the primary is not in reach: what a node knows may be
  /// so old that it names only nodes that are gone.
  std::vector<wanted_link> wanted_links() const;

private:
  class state;
  explicit store_node(std::unique_ptr<state> state) noexcept;
  std::unique_ptr<state> state_;
};

}  // namespace troupe::cluster
