// Making a new history out of a copy, when the primary's disk is lost: `troupe restore --from-copy`. Done while the
// node is down; how the node starts from the result is in store_node.
#pragma once

#include <cstdint>

#include "cluster/node_record.hpp"
#include "cluster/store_action.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

struct restore_request {
  node_id self;                        ///< who becomes the primary; must be registered in the copy
  uuid store_id;                       ///< of the new history
  std::uint64_t salt = 0;              ///< random
  std::uint64_t generation_known = 0;  ///< the highest counter that any reachable node knows
};

/// @returns the store to put in the copy's place: same records and cursor, one row more, without sessions, owners and
/// what was bound, claims closed for the largest ttl ever granted + 7 s; or `errc::corrupt`, or `errc::refused` when
/// `self` is not registered.
expected<stored_store> restore_from_copy(const stored_store& copy, const restore_request& request);

}  // namespace troupe::cluster
