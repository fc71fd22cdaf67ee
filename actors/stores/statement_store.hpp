// What the `*_store` files of SQLite, its only home, share: a prepared statement that is finalized when it goes out of
// scope. No SQL of its own.
#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace troupe::actors {

/// The first failure sticks and is the result of `step`. Bound bytes must live until the statement was run.
class sqlite_statement {
public:
  sqlite_statement(sqlite3* db, const char* sql) { code_ = sqlite3_prepare_v2(db, sql, -1, &handle_, nullptr); }
  ~sqlite_statement() { sqlite3_finalize(handle_); }
  sqlite_statement(const sqlite_statement&) = delete;
  sqlite_statement& operator=(const sqlite_statement&) = delete;

  sqlite_statement& bind(int index, std::string_view bytes) {
    keep(sqlite3_bind_blob64(handle_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
    return *this;
  }
  sqlite_statement& bind(int index, std::uint64_t value) {
    keep(sqlite3_bind_int64(handle_, index, static_cast<sqlite3_int64>(value)));
    return *this;
  }
  int step() { return code_ == SQLITE_OK ? sqlite3_step(handle_) : code_; }
  void reset() { keep(sqlite3_reset(handle_)); }
  /// Runs a statement without results, once or again.
  bool done() {
    code_ = step();
    const bool good = code_ == SQLITE_DONE;
    if (good)
      code_ = SQLITE_OK;
    reset();
    return good;
  }

  bool is_null(int column) { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  std::uint64_t number(int column) { return static_cast<std::uint64_t>(sqlite3_column_int64(handle_, column)); }
  std::string_view bytes(int column) {
    const void* start = sqlite3_column_blob(handle_, column);
    return {static_cast<const char*>(start), static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }
  template <std::size_t N>
  bool copy(int column, std::array<std::uint8_t, N>& out) {
    const auto found = bytes(column);
    if (found.size() != N)
      return false;
    std::memcpy(out.data(), found.data(), N);
    return true;
  }

private:
  void keep(int code) {
    if (code_ == SQLITE_OK)
      code_ = code;
  }

  sqlite3_stmt* handle_ = nullptr;
  int code_ = SQLITE_OK;
};

}  // namespace troupe::actors
