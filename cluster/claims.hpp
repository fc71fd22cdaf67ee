// What the primary decides about sessions, ownership and registered nodes: which records a call changes, and what it is
// answered. Stages in the primary; when a session ends is decided in session_table.
#pragma once

#include <optional>
#include <string>

#include "cluster/primary.hpp"
#include "cluster/store_call.hpp"
#include "cluster/store_record_codec.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

/// A view of a primary for the length of one call. Answers may be given once what is staged is durable.
class claims {
public:
  /// @param now  on the store's clock.
  claims(primary& store, milliseconds now) : store_{store}, now_{now} {}

  /// Opens a session and ends the node's older one in the same commit. Whether the older incarnation still answers was
  /// asked before.
  store_answer open(const open_session_call& call);
  /// The session that a node has, ended ones excluded.
  std::optional<session_record> session_of(const node_id& node) const;
  /// Erases a session and all that is bound to it; does nothing when it is gone already.
  void end(const session_id& session);
  /// Why a session that is not open can not be renewed.
  no_session ended(const renew_call& call) const;

  store_answer claim(const claim_call& call);
  store_answer transfer(const transfer_call& call);
  store_answer release(const release_call& call);

  /// Refuses a name that another node has, naming both addresses.
  store_answer register_node(const register_call& call);
  store_answer remove_node(const remove_node_call& call);

private:
  store_answer name_taken(const node_record& holder, const node_record& newcomer) const;
  std::optional<owner_record> owner_of(const std::string& resource, std::uint64_t& epoch) const;
  store_answer held_by(const std::string& resource) const;
  store_answer hand(const std::string& resource, const session_id& to, const node_id& node,
                    const std::vector<guard>& guards, const std::vector<write>& writes, const commit_id& id);
  std::optional<session_record> session(const session_id& id) const;

  primary& store_;
  milliseconds now_;
};

}  // namespace troupe::cluster
