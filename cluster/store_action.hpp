// What a store_node wants done: messages, disk, answers, news. Plain values; whoever runs the node carries them out in
// order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/primary_state.hpp"
#include "cluster/store_call.hpp"
#include "cluster/store_message.hpp"

namespace troupe::cluster {

/// The two clocks of a node. Sessions count suspended time, everything else does not.
struct store_now {
  time_point steady;
  milliseconds boot{0};  ///< CLOCK_BOOTTIME
};

/// A whole store: what is on a disk, or was loaded from another node.
struct stored_store {
  store_identity identity;
  primary_state state;
};

struct send_message {
  node_id to;
  store_message message;
};

/// Make it durable in one piece, then tell `persisted` or `persist_failed`. At most one is outstanding. The views stay
/// valid until then.
struct persist_rows {
  std::uint64_t number = 0;
  staged_changes changes;
};
/// Replace the whole store by this one, all or nothing, then tell as above.
struct persist_whole {
  std::uint64_t number = 0;
  std::shared_ptr<const stored_store> store;
  std::string set_aside;      ///< not empty: keep the replaced file beside the new one, for this reason
  std::optional<cursor> cut;  ///< commits after this one are in the replaced store only: keep them for people to read
};

struct answer_call {
  std::uint64_t number = 0;  ///< as given to `store_node::call`
  store_answer answer;
};

/// For `troupe events`.
struct store_event {
  enum class kind : std::uint8_t {
    joined = 1,  ///< a node was registered
    removed,
    primary_changed,  ///< also: this node's role
    session_ended,
    halted,  ///< commits are refused until somebody acts
    resumed,
    refused_peer,  ///< another node's store is not this one's
    name_taken,    ///< by a live node: this one cannot be a member and must end
    id_taken,      ///< by a live process: this one has a copy of its data directory and must end
    loaded,        ///< the copy was loaded anew
    replaced,      ///< the store was restored elsewhere, out of this one's history
    set_aside,     ///< commits of a replaced history were kept in a file
    out_of_reach,  ///< the primary
    in_reach,
  };
  kind what = kind::joined;
  std::string text;  ///< one clear sentence
};

struct role_changed {
  store_role role = store_role::empty;
  node_id primary;
};
/// Durable records changed; read them with `store_node::records().follow`. With `whole`, followers get a `gap`.
struct records_changed {
  cursor at;
  bool whole = false;
};
/// History was replaced: sessions and claims of this node are gone, its owners must stop.
struct history_replaced {
  store_identity identity;
};
/// Sessions whose end is durable here, expired or replaced: whoever holds one has lost it.
struct sessions_ended {
  std::vector<session_id> sessions;
};
/// The primary wants to know whether that incarnation of a node still answers; tell `store_node::probed` within 1 s.
struct probe_incarnation {
  node_id node;
  uuid incarnation;
  std::string address;
};

using store_action = std::variant<send_message, persist_rows, persist_whole, answer_call, store_event, role_changed,
                                  records_changed, history_replaced, sessions_ended, probe_incarnation>;
using store_actions = std::vector<store_action>;

}  // namespace troupe::cluster
