// The picture of all records that routing reads, and how commits change it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cluster/catalog.hpp"
#include "cluster/catalog_store.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// @returns null when none of that name is deployed; valid as long as the snapshot.
const function_record* find_function(const catalog_snapshot& snapshot, std::string_view name);

/// A snapshot, and what could not be read.
struct catalog_view {
  catalog_snapshot_ptr snapshot;  ///< never null; without the unreadable records
  std::vector<error> unreadable;  ///< one `errc::corrupt` per record that was left out
};

/// The picture of `records` at `at`. Records of other kinds are passed over. One unreadable record does not hide the
/// others.
catalog_view make_snapshot(std::span<const record> records, cursor at);
/// The picture after `commits`, which follow `before` without a hole. Commits at or below its cursor are passed over.
catalog_view apply(const catalog_snapshot& before, std::span<const applied> commits);

}  // namespace troupe::cluster
