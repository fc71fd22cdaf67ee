// The question of one node to another how far its copy of the store is, and the answer: heads of link calls of topic
// `control`.
#pragma once

#include <string_view>

#include "cluster/catalog_store.hpp"
#include "config/buffer.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// How far a copy is: durable there.
struct copy_level {
  cluster::generation generation;
  cursor at;
  bool operator==(const copy_level&) const = default;
};

buffer encode_level_question();
/// @returns `errc::protocol` for anything else; what newer nodes add behind it is passed over.
expected<void> check_level_question(std::string_view head);

buffer encode(const copy_level& level);
/// @returns `errc::protocol` when it is none.
expected<copy_level> decode_level(std::string_view head);

}  // namespace troupe::cluster
