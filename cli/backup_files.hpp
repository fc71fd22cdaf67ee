// The backups that a node writes into its data directory by itself: their names, which of them stay. Blocking; when to
// write one is decided in store_backups.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "cluster/store_restore.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

/// One folder of backups, `TIME-STORE-GENERATION-CURSOR.ndjson` each, mode 0600: what is deployed holds secrets.
struct backup_folder {
  std::string path;  ///< made when the first one is written
  /// At least 1. Older ones are removed, and before them those named by a clock that ran more than a day ahead.
  std::size_t keep = 1;

  /// Writes a backup, whole or not at all and durably, and removes what is too old. When the newest one says the same
  /// already, it is only marked as of now.
  /// @returns `errc::full` or `errc::io` naming the path.
  expected<void> write(const cluster::backed_up_store& what, std::chrono::system_clock::time_point now) const;

  /// How long ago the last one was written or marked; nothing when there is none, or when the times of all are of a
  /// clock that was wrong. Not below 0.
  std::optional<std::chrono::milliseconds> age(std::chrono::system_clock::time_point now) const;
};

}  // namespace troupe::cli
