// What a node asks the built-in engine, and what it is answered. The same values travel from a copy to the primary.
// Who decides is in store_node; how long a caller waits is handed in beside the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/commit_request.hpp"
#include "cluster/node_record.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

struct commit_call {
  commit_request request;
};
/// Settles an id for good.
struct outcome_call {
  commit_id id;
};
struct barrier_call {};

/// Opens `session` for `node`, ending every older session of that node id, unless the older incarnation still answers.
/// `live/<node>` is written with it.
struct open_session_call {
  session_id session;
  node_id node;
  uuid incarnation;
  std::string address;       ///< where this incarnation answers
  milliseconds ttl{10'000};  ///< 1 s to 5 min
};
struct renew_call {
  session_id session;
  node_id node;
  uuid incarnation;
};

/// Makes `session` the only owner of `resource`. `guards` and `writes` are part of the same commit.
struct claim_call {
  session_id session;
  std::string resource;
  std::vector<guard> guards;
  std::vector<write> writes;
  commit_id id;
};
/// Hands `resource`, owned under `epoch`, to another session.
struct transfer_call {
  std::string resource;
  std::uint64_t epoch = 0;
  session_id to;
  std::vector<guard> guards;
  std::vector<write> writes;
  commit_id id;
};
struct release_call {
  std::string resource;
  std::uint64_t epoch = 0;
  commit_id id;
};

/// Writes `node/<id>` when it is absent or says something else.
struct register_call {
  node_record node;
  commit_id id;
};
/// Takes a node out of the cluster for good; refused while it has a session.
struct remove_node_call {
  node_id node;
  commit_id id;
};
/// `troupe store move --to`.
struct move_call {
  node_id to;
  commit_id id;
};
/// Waits until every copy in contact said that it is at or past `at`, at most 1 s. Members that are not in contact are
/// named as well, without being waited for.
struct spread_call {
  cursor at;
};

using store_call = std::variant<commit_call, outcome_call, barrier_call, open_session_call, renew_call, claim_call,
                                transfer_call, release_call, register_call, remove_node_call, move_call, spread_call>;

struct reached {
  cursor at;
};  ///< to `barrier_call`
struct session_granted {
  milliseconds ttl{0};
  cursor at;  ///< of `live/<node>`; for a renewal the durable tip
};
/// Another incarnation of the same node answers at its address: the newcomer must go.
struct incarnation_alive {
  std::string address;
};
enum class session_end : std::uint8_t {
  unknown = 1,  ///< never opened, or ended long ago
  expired,      ///< not renewed in time
  superseded,   ///< another incarnation of the node opened one
};
struct no_session {
  session_end why = session_end::unknown;
};
struct owned {
  std::uint64_t epoch = 0;
};
struct held {
  node_id owner;
  std::uint64_t epoch = 0;
};  ///< epoch 0: by nobody
struct spread {
  std::vector<std::string> laggards;  ///< names of members that have not said to be there
};

/// Which of them answers which call: commit, register, remove, move: committed, conflicted, voided, refused. outcome:
/// outcome_of_commit, refused. barrier: reached, refused. open_session: session_granted, incarnation_alive, refused.
/// renew: session_granted, no_session, refused. claim, transfer: owned, held, no_session, conflicted, voided, refused.
/// release: committed, held, refused. spread: spread, refused. `refused` carries `unknown_outcome` when the call may or
/// may not have been applied.
using store_answer = std::variant<committed, conflicted, voided, refused, outcome_of_commit, reached, session_granted,
                                  incarnation_alive, no_session, owned, held, spread>;

/// The id of a commit or of what is to be settled; nothing for other calls.
std::optional<commit_id> id_of(const store_call& call);
/// The same answer as one of any call.
store_answer widen(commit_result result);
/// What a call brings to the disk at most, in bytes; bounds queues.
std::size_t size_of(const store_call& call);

}  // namespace troupe::cluster
