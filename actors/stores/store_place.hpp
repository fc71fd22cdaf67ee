// What a data directory remembers of its store outside of it, for the day on which the store cannot be read: a damaged
// copy is loaded anew from others, a damaged primary is not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/store_message.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

struct store_place {
  cluster::store_role role = cluster::store_role::empty;
  uuid store_id;
  std::vector<std::string> addresses;  ///< `HOST:PORT` of the other registered nodes
  bool operator==(const store_place&) const = default;
};

/// @returns nothing when there is none, or it is not what was written.
std::optional<store_place> read_store_place(const std::string& data_dir);
/// Replaces `<data_dir>/store.place`, durably. @returns `errc::full` or `errc::io`.
expected<void> write_store_place(const std::string& data_dir, const store_place& place);

}  // namespace troupe::actors
