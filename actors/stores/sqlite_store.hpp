// The built-in engine of the catalog store: `cluster::primary` decides, a SQLite file keeps, one thread does both.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "cluster/catalog_store.hpp"
#include "cluster/primary.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

struct sqlite_store_options {
  std::string data_dir;             ///< must exist; the file is `<data_dir>/store.db`, mode 0600
  std::string vfs{};                ///< name of a registered SQLite VFS; empty: the operating system's files
  std::size_t max_waiting = 1'024;  ///< calls that wait for the thread; more are refused with `unavailable`
  std::size_t max_waiting_bytes = std::size_t{64} << 20;  ///< keys and values in them
  std::size_t max_followers = 128;                        ///< followers that wait for the next commit; more are refused
  cluster::primary_limits limits{};
};

/// Opens the store of a data directory, making an empty one with a new identity when there is none. Reads and checks
/// the whole file, so it blocks: call it at the start of a node, not on a loop.
///
/// Of the store it returns:
/// - callbacks run on the store's thread and must not block or call `close`; refusals of a full queue or a closed store
/// run
///   on the calling thread, before the call returns.
/// - a commit whose deadline passed before it was begun is answered `unavailable` and certainly not applied; one that
/// was
///   begun is answered when the disk has answered, which may be later than its deadline.
/// - after a failed write (not: a full disk) commits are refused with the reason until the store is opened anew; reads
/// go on.
///
/// @returns `errc::corrupt` when the file is damaged, naming it and both ways out; `errc::io` when the operating system
/// refuses; `errc::refused` when another process has it open or a newer troupe wrote it; `errc::full` without space.
expected<std::unique_ptr<cluster::catalog_store>> open_sqlite_store(sqlite_store_options options);

}  // namespace troupe::actors
