#include "actors/stores/history_store.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/stores/history_format.hpp"
#include "actors/stores/statement_store.hpp"
#include "functions/unix_file.hpp"

namespace troupe::actors {

using namespace cluster;
using namespace history_format;
using statement = sqlite_statement;

namespace {

/// Makes an empty file that only its owner may read, before SQLite would make one with the process's umask; and makes
/// its name durable, which SQLite does for its journal only.
expected<void> make_private_file(const std::string& path) {
  const auto system_error = [&](const char* what) {
    const int why = errno;
    return fail(why == ENOSPC || why == EDQUOT ? errc::full : errc::io,
                path + ": cannot " + what + ": " + std::strerror(why));
  };
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    // Not opened again here: closing a second descriptor would drop the locks of a store that this process has open.
    if (errno != EEXIST || ::access(path.c_str(), R_OK | W_OK) != 0)
      return system_error("open");
    return {};
  }
  ::close(file);
  if (const int why = functions::sync_folder(path.substr(0, path.rfind('/') + 1)); why != 0) {
    errno = why;
    return system_error("sync its directory");
  }
  return {};
}

}  // namespace

history_store::history_store(history_store&& other) noexcept
    : path_{std::move(other.path_)}, vfs_{std::move(other.vfs_)}, db_{std::exchange(other.db_, nullptr)} {}

history_store::~history_store() {
  sqlite3_close(db_);
}

error history_store::damaged(const std::string& what) const {
  return {errc::corrupt, path_ + " is damaged (" + what +
                             "). Two ways out: put a backup of this file in its place, or start with an empty data "
                             "directory and deploy again"};
}

error history_store::open_error(const std::string& doing) const {
  const std::string why = path_ + ": cannot " + doing + ": " + sqlite3_errmsg(db_);
  switch (sqlite3_errcode(db_) & 0xff) {
    case SQLITE_BUSY: return {errc::refused, path_ + " is in use by another process"};
    case SQLITE_FULL: return {errc::full, why};
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PERM: return {errc::io, why};
    default: return damaged(sqlite3_errmsg(db_));
  }
}

error history_store::write_error(const std::string& doing) const {
  const std::string why = path_ + ": cannot " + doing + ": " + sqlite3_errmsg(db_);
  const int code = sqlite3_extended_errcode(db_);
  switch (code & 0xff) {
    case SQLITE_FULL: return {errc::full, why};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return damaged(sqlite3_errmsg(db_));
    default: break;
  }
  // SQLite reports a quota as a failed write.
  if (code == SQLITE_IOERR_WRITE && sqlite3_system_errno(db_) == EDQUOT)
    return {errc::full, why};
  return {errc::unavailable, why};
}

expected<void> history_store::run(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return tl::unexpected{open_error("open")};
  return {};
}

expected<history_store> history_store::open(std::string path, const std::string& vfs) {
  history_store store{std::move(path), vfs};
  if (auto good = store.connect(); !good)
    return tl::unexpected{std::move(good.error())};
  return store;
}

expected<void> history_store::connect() {
  if (vfs_.empty())
    if (auto made = make_private_file(path_); !made)
      return made;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path_.c_str(), &db_, flags, vfs_.empty() ? nullptr : vfs_.c_str()) != SQLITE_OK)
    return tl::unexpected{open_error("open")};
  // A rollback journal, not a write-ahead log: once a commit is acknowledged, all of it is in this one file under the
  // sums that `read` checks. A write-ahead log costs one fsync in place of three (0.3 against 0.9 ms where this was
  // measured), but SQLite takes the first frame with a wrong checksum for the log's end: one damaged byte would
  // silently lose every acknowledged commit behind it. TRUNCATE syncs the emptied journal under FULL, so that a power
  // loss cannot bring it back and undo the commit; DELETE would not. `fullfsync` asks macOS for what fsync means
  // elsewhere. The lock is never let go: no other process may write, and no page is read twice.
  return run(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
      "PRAGMA fullfsync=ON; PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; BEGIN EXCLUSIVE; COMMIT");
}

/// Within a transaction.
expected<void> history_store::make_tables(const store_identity& identity) {
  for (const auto* table : tables)
    if (auto good = run(table); !good)
      return good;
  const auto sum = sum_of(identity, file_format);
  statement insert{db_, "INSERT INTO identity VALUES(?,?,?,?,?,?,?)"};
  insert.bind(1, view(identity.store_id.bytes)).bind(2, identity.generation.counter);
  insert.bind(3, identity.generation.salt).bind(4, view(identity.parent_store.bytes));
  insert.bind(5, identity.parent_cursor.value).bind(6, file_format).bind(7, view(sum.bytes));
  if (!insert.done())
    return tl::unexpected{open_error("write")};
  return {};
}

bool history_store::rolled_back() {
  return sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK;
}

expected<void> history_store::persist(const staged_changes& changes) {
  auto written = write(changes);
  if (!written) {
    // If this fails too, what is in the file now is for the journal to repair at the next start.
    if (sqlite3_get_autocommit(db_) == 0 && !rolled_back())
      written.error().code = errc::unavailable;
    return written;
  }
  if (sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK)
    return {};
  auto why = write_error("commit");
  // SQLite may have rolled back by itself.
  const bool undone = sqlite3_get_autocommit(db_) != 0 || rolled_back();
  // A full disk shows before the journal is emptied, the moment of the commit; other failures may come after it.
  if (why.code != errc::full)
    why.code = errc::unknown_outcome;
  else if (!undone)
    why.code = errc::unavailable;
  return tl::unexpected{std::move(why)};
}

expected<void> history_store::write(const staged_changes& changes) {
  const auto failed = [this] { return tl::unexpected{write_error("write")}; };
  if (sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed();
  statement add{db_, "INSERT INTO history VALUES(?,?,?,?,?,?,?)"};
  for (const auto& row : changes.rows) {
    add.bind(1, row.head.at.value).bind(2, view(row.head.id.bytes)).bind(3, static_cast<std::uint64_t>(row.head.kind));
    add.bind(4, static_cast<std::uint64_t>(row.head.time.count())).bind(5, view(row.head.body.bytes));
    add.bind(6, view(row.head.hash.bytes)).bind(7, row.body);
    if (!add.done())
      return failed();
  }
  statement put{db_,
                "INSERT INTO records VALUES(?,?,?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value,"
                " revision=excluded.revision, sum=excluded.sum"};
  for (const auto* stored : changes.puts) {
    const auto sum = sum_of(*stored);
    if (!put.bind(1, stored->key).bind(2, stored->value).bind(3, stored->revision).bind(4, view(sum.bytes)).done())
      return failed();
  }
  statement erase{db_, "DELETE FROM records WHERE key=?"};
  for (const auto key : changes.erased)
    if (!erase.bind(1, key).done())
      return failed();
  statement trim{db_, "UPDATE history SET body=NULL WHERE cursor>=? AND cursor<?"};
  statement forget{db_, "DELETE FROM history WHERE cursor<?"};
  trim.bind(1, changes.bodies_were_from.value).bind(2, changes.bodies_from.value);
  if (!trim.done() || !forget.bind(1, changes.heads_from.value).done())
    return failed();
  return {};
}

}  // namespace troupe::actors
