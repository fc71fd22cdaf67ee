// `node/<id>`: a node that is registered with the store, whether it lives or not. Who lives is in `live/<id>`; how
// either reaches the store is not decided here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/unknown_fields.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// Belongs to a data directory: an empty or replaced one is a new id.
using node_id = uuid;

struct node_record {
  node_id id;
  std::string name;
  std::vector<std::string> addresses;  ///< `HOST:PORT`, where other nodes reach it; the best one first
  std::uint64_t protocol_min = 1;      ///< what it speaks, both inclusive
  std::uint64_t protocol_max = 1;
  std::uint64_t cores = 0;
  std::uint64_t memory_mb = 0;  ///< what it gives to instances

  std::uint64_t revision = 0;  ///< as in `function_record`
  std::uint64_t schema = 1;
  unknown_fields unknown{};
};

/// Whether both say the same of a node; revisions do not count.
bool same_registration(const node_record& left, const node_record& right);

}  // namespace troupe::cluster
