// The store's file in a data directory, and how it is replaced by a whole new one. Decides nothing; belongs to one
// thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actors/stores/history_store.hpp"
#include "cluster/store_action.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

/// What to do where there is no store yet.
enum class missing_store : std::uint8_t { make, leave };

/// What becomes of the store that another one replaces.
enum class old_store : std::uint8_t { drop, set_aside };

class store_disk {
public:
  /// Opens `<data_dir>/store.db`, locks it and checks it whole.
  /// @param vfs  name of a registered SQLite VFS, on which a store cannot be replaced; empty: the system's files.
  /// @returns `errc::corrupt` when it is damaged, naming it and both ways out; `errc::io`; `errc::refused` when another
  /// process has it open or a newer troupe wrote it; `errc::full`.
  static expected<store_disk> open(const std::string& data_dir, const std::string& vfs, missing_store missing);

  /// A place whose store is missing or damaged, not opened: nothing but `replace` may be called.
  static store_disk to_replace(const std::string& data_dir) { return store_disk{data_dir, {}}; }

  /// Of the file; 0 on the disk of another VFS.
  std::uint64_t size_bytes() const;
  bool has_store() const noexcept { return file_.has_value(); }
  /// What was there, once; nothing when there is no store.
  std::optional<cluster::stored_store> take_found();

  /// As of the file that is there.
  error damaged(const std::string& what) const { return file_->damaged(what); }

  /// As `history_store::persist`. After a failure other than `errc::full` every later one fails, until `replace`.
  expected<void> persist(const cluster::staged_changes& changes);
  /// Writes `store` beside the present one, then puts it in its place.
  /// @returns where the old one was set aside, empty without one; `errc::full` or `errc::unavailable`: the old one is
  /// still there; `errc::unknown_outcome`: only the next start shows which of the two.
  expected<std::string> replace(const cluster::stored_store& store, old_store old);
  /// The path under which `replace` would set the present store aside now; empty when there is none.
  std::string path_aside() const;

private:
  explicit store_disk(const std::string& data_dir, std::string vfs)
      : path_{data_dir + "/store.db"}, vfs_{std::move(vfs)} {}

  expected<std::string> swap_files(const std::string& fresh, old_store old);
  expected<void> reopen();

  std::string path_;
  std::string vfs_;
  std::optional<history_store> file_;
  std::optional<cluster::stored_store> found_;
  std::optional<error> broken_;  ///< why nothing is written any more
};

/// Keeps a damaged store beside where it was, under a name that no other has. @returns that name.
expected<std::string> set_store_aside(const std::string& data_dir);

}  // namespace troupe::actors
