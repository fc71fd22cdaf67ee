// What nodes tell each other about the store, over a link that keeps order and loses nothing while it is up. How they
// become bytes is in store_codec.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/history_row.hpp"
#include "cluster/node_record.hpp"
#include "cluster/store_call.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

enum class store_role : std::uint8_t {
  empty = 1,  ///< no history yet: waits for a cluster to join
  copy,
  primary,
};

/// The first message of both sides, and again whenever something in it that the other must act on has changed.
struct hello_message {
  node_record node;
  uuid incarnation;
  store_role role = store_role::empty;
  // Of an empty node all below is nil:
  store_identity identity;
  cursor at;        ///< durable
  digest hash;      ///< of the row there
  node_id primary;  ///< who is the primary, as far as this node's history goes
  std::string primary_name;
  std::string primary_address;
  std::string halted;  ///< not empty: why this primary commits nothing
};

/// From a node that is behind: send every row after `from`. A nil identity asks for everything.
struct subscribe_message {
  store_identity identity;
  cursor from;
  digest hash;
};
/// From a node that gets its rows elsewhere now.
struct unsubscribe_message {};
struct rows_message {
  std::vector<history_row> rows;  ///< without holes
};
/// A piece of the whole store at one cursor.
struct load_message {
  std::uint64_t number = 0;  ///< of the piece, from 0
  bool last = false;
  store_identity identity;
  cursor at;
  std::vector<record> records;
  std::vector<row_head> heads;
  std::string body;  ///< with the last piece: of the row at `at`
};
/// Asks for the next piece.
struct load_next_message {
  std::uint64_t number = 0;
};
/// From a copy: durable up to here.
struct level_message {
  cursor at;
  digest hash;
};
struct call_message {
  std::uint64_t number = 0;  ///< of the asking node, never used twice on a link
  milliseconds remaining{0};
  store_call call;
};
struct answer_message {
  std::uint64_t number = 0;
  store_answer answer;
};
/// The asked node is not the primary and did nothing; `hello_message` says who is.
struct not_primary_message {
  std::uint64_t number = 0;
};

/// The asked node does not feed the follower (any more): follow another one, or ask again later.
struct not_fed_message {};

using store_message =
    std::variant<hello_message, subscribe_message, unsubscribe_message, rows_message, load_message, load_next_message,
                 level_message, call_message, answer_message, not_primary_message, not_fed_message>;

}  // namespace troupe::cluster
