// A file beside the store, which `troupe restore` leaves and the start of the node removes. As long as it is there, no
// other node has heard of what was restored: a further restore takes its place as if there had been none before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

inline constexpr const char* restore_mark_name = "store.restored";

struct restore_mark {
  std::string replaced;    ///< name of the file that has the store which they replace; empty when there was none
  std::vector<uuid> made;  ///< ids of the stores that were made; which of them is in place, if any, shows the store
  bool names(const uuid& store) const noexcept;
  bool operator==(const restore_mark&) const = default;
};

/// What is to stand in the file.
std::string text_of(const restore_mark& mark);
/// @returns nothing when there is none, or it is not what was written.
std::optional<restore_mark> read_restore_mark(const std::string& data_dir);
/// Durably; nothing is done when there is none. @returns `errc::io`.
expected<void> remove_restore_mark(const std::string& data_dir);

}  // namespace troupe::actors
