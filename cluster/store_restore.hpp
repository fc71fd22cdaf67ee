// Making a new history out of a copy (`troupe restore --from-copy`) or out of a backup (`troupe restore FILE`), when
// the primary's disk is lost or what it holds is not wanted any more. Done while the node is down; how the node starts
// from the result, and how the others come to follow it, is in store_node.
#pragma once

#include <cstdint>
#include <vector>

#include "cluster/node_record.hpp"
#include "cluster/store_action.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

struct restore_request {
  node_id self;                        ///< who becomes the primary; a copy must have it registered
  uuid store_id;                       ///< of the new history
  std::uint64_t salt = 0;              ///< random
  std::uint64_t generation_known = 0;  ///< the highest counter that any reachable node knows
};

/// @returns the store to put in the copy's place: same records and cursor, one row more, without sessions, owners and
/// what was bound, claims closed for the largest ttl ever granted + 7 s; or `errc::corrupt`, or `errc::refused` when
/// `self` is not registered.
expected<stored_store> restore_from_copy(const stored_store& copy, const restore_request& request);

/// What a backup holds.
struct backed_up_store {
  store_identity identity;
  loaded contents;
};

/// The store that a backup is restored in place of. Of a damaged one only `identity` is known.
struct replaced_store {
  store_identity identity;
  std::vector<record> records;
};

/// @param in_place_of  null in an empty directory. The nodes of the cluster are those that it has registered, never
///                     those of the backup: who was one at that time may be none any more, and a backup that is
///                     restored elsewhere is another cluster, until somebody joins it.
/// @returns a store as of `restore_from_copy`. Its parent is the history that is replaced, at the last commit that both
/// have in common, so that the other nodes follow; or that of the backup.
expected<stored_store> restore_from_backup(const backed_up_store& backup, const replaced_store* in_place_of,
                                           const restore_request& request);

/// The last commit that the history of a backup has in common with another one; 0 when they are not related.
cursor common_cursor(const store_identity& backup, cursor backup_at, const store_identity& other);

}  // namespace troupe::cluster
