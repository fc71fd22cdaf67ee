// The reading half of history_store: nothing is believed before its sum was compared.
#include "actors/stores/history_format.hpp"
#include "actors/stores/history_store.hpp"
#include "actors/stores/statement_store.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

using namespace cluster;
using namespace history_format;
using statement = sqlite_statement;

expected<history_store::contents> history_store::read() {
  contents found;
  // Taking the lock gives an empty file its first page, which has no room for any table of the store.
  statement fresh{db_, "SELECT (SELECT count(*) FROM sqlite_schema) = 0 AND page_count <= 1 FROM pragma_page_count"};
  if (fresh.step() != SQLITE_ROW)
    return tl::unexpected{open_error("read")};
  const bool empty = fresh.number(0) == 1;
  fresh.reset();
  expected<void> good;
  if (empty) {
    store_identity fresh_one;
    fresh_one.store_id = make_uuid();
    fresh_one.generation = {1, fast_random()};
    good =
        run("BEGIN IMMEDIATE").and_then([&] { return make_tables(fresh_one); }).and_then([&] { return run("COMMIT"); });
  }
  good = good.and_then([&] { return check_structure(); })
             .and_then([&] { return read_identity(found.identity); })
             .and_then([&] { return read_records(found.state); })
             .and_then([&] { return read_history(found.state); });
  if (!good)
    return tl::unexpected{std::move(good.error())};
  return found;
}

expected<store_identity> history_store::identity() {
  store_identity found;
  return read_identity(found).map([&] { return found; });
}

expected<void> history_store::check_structure() {
  // SQLite opens a file whose header asks for an unknown write version, but reads it only.
  if (sqlite3_db_readonly(db_, "main") == 1)
    return tl::unexpected{damaged("its header forbids writing")};
  statement check{db_, "PRAGMA integrity_check(1)"};
  if (check.step() != SQLITE_ROW)
    return tl::unexpected{open_error("check")};
  if (check.bytes(0) != "ok")
    return tl::unexpected{damaged(std::string{check.bytes(0)})};
  return {};
}

expected<void> history_store::read_identity(store_identity& identity) {
  statement row{db_, "SELECT store_id, generation, salt, parent_store, parent_cursor, format, sum FROM identity"};
  const int code = row.step();
  if (code != SQLITE_ROW)
    return tl::unexpected{code == SQLITE_DONE ? damaged("the store has no identity") : open_error("read")};
  digest sum;
  const bool whole =
      row.copy(0, identity.store_id.bytes) && row.copy(3, identity.parent_store.bytes) && row.copy(6, sum.bytes);
  identity.generation = {row.number(1), row.number(2)};
  identity.parent_cursor.value = row.number(4);
  const auto format = row.number(5);
  if (!whole || sum != sum_of(identity, format))
    return tl::unexpected{damaged("the identity of the store is not what was written")};
  if (format > file_format)
    return fail(errc::refused, path_ + " was written by a newer troupe (format " + std::to_string(format) +
                                   ", this one reads up to " + std::to_string(file_format) + ")");
  statement schema{db_, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rootpage"};
  for (const auto* table : tables)
    if (schema.step() != SQLITE_ROW || schema.bytes(0) != table)
      return tl::unexpected{damaged("the tables are not those that were made")};
  return {};
}

expected<void> history_store::read_records(primary_state& state) {
  statement row{db_, "SELECT key, value, revision, sum FROM records ORDER BY key"};
  int code = SQLITE_OK;
  while ((code = row.step()) == SQLITE_ROW) {
    record stored{std::string{row.bytes(0)}, std::string{row.bytes(1)}, row.number(2)};
    digest sum;
    if (!row.copy(3, sum.bytes) || sum != sum_of(stored))
      return tl::unexpected{damaged("record '" + stored.key + "' is not what was written")};
    state.records.push_back(std::move(stored));
  }
  if (code != SQLITE_DONE)
    return tl::unexpected{open_error("read")};
  return {};
}

expected<void> history_store::read_history(primary_state& state) {
  statement row{db_, "SELECT cursor, id, kind, time, body_digest, hash, body FROM history ORDER BY cursor"};
  int code = SQLITE_OK;
  while ((code = row.step()) == SQLITE_ROW) {
    row_head head;
    head.at.value = row.number(0);
    head.kind = static_cast<row_kind>(row.number(2));
    head.time = milliseconds{static_cast<std::int64_t>(row.number(3))};
    if (!row.copy(1, head.id.bytes) || !row.copy(4, head.body.bytes) || !row.copy(5, head.hash.bytes) ||
        row.number(2) > 255)
      return tl::unexpected{
          damaged("commit " + std::to_string(head.at.value) + " of the history is not what was written")};
    if (!row.is_null(6))
      state.bodies.emplace_back(head.at, row.bytes(6));
    state.heads.push_back(head);
  }
  if (code != SQLITE_DONE)
    return tl::unexpected{open_error("read")};
  return {};
}

}  // namespace troupe::actors
