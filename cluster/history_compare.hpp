// What the hello of another node says about the two histories, and what follows from it. Pure comparison of two points;
// acting on it is store_node's matter.
#pragma once

#include <cstdint>
#include <string>

#include "cluster/history.hpp"
#include "cluster/store_message.hpp"

namespace troupe::cluster {

enum class history_verdict : std::uint8_t {
  level = 1,            ///< same history, same cursor
  peer_behind,          ///< same history, the peer needs rows
  peer_ahead,           ///< same history as far as can be seen, this node needs rows
  peer_empty,           ///< it has no history yet
  own_empty,            ///< this node has none yet
  other_cluster,        ///< refuse each other
  peer_replaced,        ///< the peer's history was made out of this one's: open it anew
  own_replaced,         ///< this one's history was made out of the peer's: it will open this one anew
  generations_clash,    ///< two replacements that know nothing of each other: neither may commit
  generation_replaced,  ///< the peer's is newer and does not name this one as its parent: out of reach
  generation_old,       ///< the peer's is older and this one does not name it as its parent
  went_back,            ///< this primary's disk went back in time: it may not commit
  forked,               ///< two copies of one history that differ: follow neither from the other
};

struct history_comparison {
  history_verdict verdict = history_verdict::level;
  std::string sentence;  ///< for humans; empty when nothing needs to be said
};

/// One node as it sees itself.
struct own_point {
  const history& records;
  const store_identity& identity;
  store_role role = store_role::empty;
  const node_record& node;
};

history_comparison compare(const own_point& own, const hello_message& peer);

}  // namespace troupe::cluster
