// The records that the built-in store writes for itself: registered nodes, sessions, who lives, who owns, who is the
// primary. Their rules are in claims, session_table and store_move.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "cluster/node_record.hpp"
#include "cluster/store_call.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// `session/<id>` and, bound to it, `live/<node>`.
struct session_record {
  session_id session;
  node_id node;
  uuid incarnation;
  std::string address;
  milliseconds ttl{0};
};
/// `owner/<resource>`; the epoch follows from its revision.
struct owner_record {
  session_id session;
  node_id node;
};

inline constexpr const char* primary_key = "meta/primary";              ///< the node that is the primary
inline constexpr const char* max_ttl_key = "meta/max_ttl";              ///< the largest ever granted
inline constexpr const char* claims_closed_key = "meta/claims_closed";  ///< for how long after a start

std::string node_key(const node_id& node);
std::string live_key(const node_id& node);

std::string encode(const node_record& node);
std::string encode(const session_record& session);
std::string encode(const owner_record& owner);
std::string encode_primary(const node_id& node);
std::string encode_span(milliseconds span);

/// All return `errc::corrupt` naming the key when the value is not what it should be. Lengths of time are taken for 0
/// to 10 min: one that no store writes, as in an edited backup, would close claims for ever.
expected<node_record> decode_node(const record& stored);
expected<session_record> decode_session(const record& stored);
expected<owner_record> decode_owner(const record& stored);
expected<node_id> decode_primary(const record& stored);
expected<milliseconds> decode_span(const record& stored);

}  // namespace troupe::cluster
