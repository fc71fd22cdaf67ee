// The file of the built-in engine: records and history in SQLite. Decides nothing; belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "cluster/catalog_store.hpp"
#include "cluster/primary_state.hpp"
#include "cluster/store_action.hpp"
#include "config/errc.hpp"

struct sqlite3;

namespace troupe::actors {

class history_store {
public:
  using contents = cluster::stored_store;

  /// Opens `path`, making it (mode 0600) when there is none; locks it against other processes until destruction.
  /// @param vfs  as in `cluster_store_options`.
  /// @returns the errors of `open_cluster_store`.
  static expected<history_store> open(std::string path, const std::string& vfs);

  ~history_store();
  history_store(history_store&& other) noexcept;
  history_store& operator=(history_store&&) = delete;

  /// Checks the whole file and reads it; gives a new file its identity.
  /// @returns `errc::corrupt` when anything in it is not what was written.
  expected<contents> read();

  /// Reads the identity alone: of a file whose rest may be damaged. @returns the errors of `read`.
  expected<cluster::store_identity> identity();

  /// Makes `changes` durable, all or nothing.
  /// @returns `errc::full`: nothing was written, later calls may succeed. `errc::unavailable` or `errc::corrupt`:
  /// nothing was written. `errc::unknown_outcome`: the disk failed so late that only the next `open` shows what it
  /// kept. After the last three the file may not be written any more.
  expected<void> persist(const cluster::staged_changes& changes);

  /// Writes a whole store into a file that was just made, in place of `read`.
  /// @returns the errors of `persist`; the file is of no use then.
  expected<void> fill(const cluster::stored_store& store);

  /// The error for damage of any kind: names the file and both ways out.
  error damaged(const std::string& what) const;

private:
  history_store(std::string path, std::string vfs) : path_{std::move(path)}, vfs_{std::move(vfs)} {}

  expected<void> connect();
  expected<void> run(const char* sql);
  expected<void> make_tables(const cluster::store_identity& identity);
  expected<void> check_structure();
  expected<void> read_identity(cluster::store_identity& identity);
  expected<void> read_records(cluster::primary_state& state);
  expected<void> read_history(cluster::primary_state& state);
  bool rolled_back();
  expected<void> write(const cluster::staged_changes& changes);
  bool write_whole(const cluster::stored_store& store);
  error open_error(const std::string& doing) const;
  error write_error(const std::string& doing) const;

  std::string path_;
  std::string vfs_;
  sqlite3* db_ = nullptr;
};

}  // namespace troupe::actors
