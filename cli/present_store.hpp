// What a restore is made in place of: the store in the data directory of a node that does not run, as far as it can be
// read, and the nodes that it names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/stores/restore_mark.hpp"
#include "actors/stores/store_disk.hpp"
#include "actors/stores/store_place.hpp"
#include "cluster/node_record.hpp"
#include "cluster/store_action.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::cli {

/// Where another node may be asked.
struct known_place {
  endpoint where;
  std::string name;  ///< empty when only the address is known
};

struct present_store {
  std::optional<cluster::stored_store> contents;  ///< of a file that is whole
  std::optional<error> damage;                    ///< of a file that is not
  std::optional<cluster::store_identity> identity;
  std::optional<actors::store_place> place;
  /// `troupe restore` made what is in place, and the node was not started since: all else is of the store that it
  /// replaced.
  std::optional<actors::restore_mark> unstarted;
  std::uint64_t generation_in_place = 0;  ///< 0 when none is there, or it cannot be read

  // Decoded once, out of the records:
  std::vector<cluster::node_record> nodes;  ///< registered ones
  expected<cluster::node_id> leader;        ///< nil: nobody is named; or why it cannot be read
  std::vector<std::string> unreadable;      ///< records of nodes that are passed over, each with the reason

  bool there() const noexcept { return contents || damage; }
  const std::vector<cluster::record>& records() const noexcept;
  cluster::cursor tip() const noexcept;
  const cluster::node_record* find(const cluster::node_id& node) const noexcept;
  /// Of all registered nodes but `self`; without any, those that were noted beside the store.
  std::vector<known_place> places_but(const cluster::node_id& self) const;
};

/// @returns `errc::refused` when what a restore set aside is gone or in use; `errc::io`. A damaged store is no error.
expected<present_store> read_present_store(const std::string& data_dir);

}  // namespace troupe::cli
