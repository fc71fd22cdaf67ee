// The rest of the interface to whatever keeps what nodes agree on: sessions, ownership, members and health (specs:
// catalogue-store 1). A store of one node needs `catalog_store` only; both engines of a cluster implement this. No word
// of an engine leaks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/node_record.hpp"
#include "cluster/store_call.hpp"

namespace troupe::cluster {

using session_result = std::variant<session_granted, incarnation_alive, no_session, refused>;
using claim_result = std::variant<owned, held, no_session, conflicted, voided, refused>;
using release_result = std::variant<committed, held, voided, refused>;

/// What is true of a store at one node; also what metrics show.
struct store_health {
  enum class role : std::uint8_t { waiting = 1, copy, authority, client };

  bool authority_in_reach = false;
  role here = role::waiting;
  std::string authority;              ///< where it is, for humans
  std::string halted;                 ///< not empty: why nothing is committed
  milliseconds out_of_reach{0};       ///< for how long
  std::uint64_t lag_commits = 0;      ///< of this node's copy
  std::uint64_t size_bytes = 0;       ///< on this node's disk
  std::uint64_t sessions_lost = 0;    ///< since the start
  milliseconds commit_p99{0};         ///< of this node's commits
  milliseconds fsync_p99{0};          ///< of this node's disk
  std::optional<seconds> backup_age;  ///< of the last one here; nothing: none yet
};

/// Every call is answered exactly once, as in `catalog_store`. An epoch rises strictly over the whole history.
class cluster_store : public catalog_store {
public:
  /// Ends every older session of the node, unless its older incarnation still answers at its address.
  virtual void open_session(open_session_call call, time_point deadline, callback<session_result> done) = 0;
  /// Every ttl/6, with at most 1 s to answer (`session`).
  virtual void renew(renew_call call, time_point deadline, callback<session_result> done) = 0;
  /// At most one session owns a resource at a time. `held` by the claiming session itself is answered `owned`.
  virtual void claim(claim_call call, time_point deadline, callback<claim_result> done) = 0;
  virtual void transfer(transfer_call call, time_point deadline, callback<claim_result> done) = 0;
  virtual void release(release_call call, time_point deadline, callback<release_result> done) = 0;
  /// Takes a node that is gone for good out of the cluster; refused while it has a session.
  virtual void remove_node(remove_node_call call, time_point deadline, callback<commit_result> done) = 0;
  /// Answers once every copy in contact is at or past `at`, or after 1 s, with the names of members that are not.
  virtual void wait_spread(cursor at, time_point deadline, callback<expected<spread>> done) = 0;
  /// Answers at once, from what is known here.
  virtual store_health health() = 0;
};

}  // namespace troupe::cluster
