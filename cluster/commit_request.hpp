// What a commit asks for, and what can be said of it without knowing any record.
#pragma once

#include <vector>

#include "cluster/catalog_store.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

struct commit_request {
  std::vector<guard> guards;
  std::vector<write> writes;
  commit_id id;
};

/// Whether any engine would take it: `errc::too_big` (operations, bytes, one value), or
/// `errc::bad_usage` (nil id, empty key, a key written twice).
expected<void> check(const commit_request& request);

}  // namespace troupe::cluster
