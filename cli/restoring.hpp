// `troupe restore`: makes a new history of the store in the data directory of a node that does not run, out of the copy
// there or out of a backup. What the new history is, is decided in cluster/store_restore; here it is read, the other
// nodes are asked what they know, and it is put in place, all or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cli {

struct restore_options {
  std::optional<std::string> file;   ///< a backup; without one the copy in the data directory
  bool from_copy = false;            ///< exactly one of both
  bool old_primary_stopped = false;  ///< the user says so
  bool discard_newer = false;        ///< commits that only another node's copy has may be lost
  std::vector<std::string> without;  ///< `HOST:PORT` of nodes that are not asked: somebody else is there now
  serve_options node;                ///< where its data directory is, and how to reach its cluster
};

/// What was done, for whoever asked for it.
struct restored_store {
  std::string path;
  std::string set_aside;  ///< where the replaced store is; empty when there was none
  std::size_t records = 0;
  uuid store_id;
  std::uint64_t generation = 0;
  std::uint64_t cursor = 0;  ///< the last commit that was taken over
  uuid parent_store;
  std::uint64_t parent_cursor = 0;
  std::vector<std::string> reached;         ///< names of other nodes
  std::vector<std::string> not_reached;     ///< `ADDRESS: why`
  std::vector<std::string> passed_over;     ///< records of nodes that cannot be read, with the reason: not asked
  std::vector<std::string> code_elsewhere;  ///< functions whose code other nodes have, and this disk does not
  std::vector<std::string> code_missing;    ///< functions whose code is on no disk that could be asked
  std::string not_given;                    ///< why files that root made are not the node's; empty: they are
};

/// What it makes as root is given to the node's user (`data_directory::give_to_owner`). Blocks for some seconds when
/// other nodes do not answer. What a restore made whose node was not started since is replaced as if it had never been:
/// the new store is made from what was set aside then.
/// @returns `errc::bad_usage` when the options do not go together, `errc::bad_setting`; `errc::refused` with the way
/// out, also while a node runs with the directory, and when somebody answers for another node and is not understood;
/// `errc::corrupt` naming the file; `errc::io`, `errc::full`. After `errc::unknown_outcome` the directory holds the old
/// store or the new one; after all others the old one.
expected<restored_store> restore_store(const restore_options& options);

}  // namespace troupe::cli
