// Writes a whole store into a new file: what a copy loaded from another node.
#include "actors/stores/history_format.hpp"
#include "actors/stores/history_store.hpp"
#include "actors/stores/statement_store.hpp"

namespace troupe::actors {

using namespace cluster;
using namespace history_format;
using statement = sqlite_statement;

expected<void> history_store::fill(const stored_store& store) {
  if (sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
    return tl::unexpected{write_error("write")};
  if (auto made = make_tables(store.identity); !made)
    return made;
  if (!write_whole(store) || sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK)
    return tl::unexpected{write_error("write")};
  return {};
}

bool history_store::write_whole(const stored_store& store) {
  statement put{db_, "INSERT INTO records VALUES(?,?,?,?)"};
  for (const auto& each : store.state.records) {
    const auto sum = sum_of(each);
    if (!put.bind(1, each.key).bind(2, each.value).bind(3, each.revision).bind(4, view(sum.bytes)).done())
      return false;
  }
  statement add{db_, "INSERT INTO history VALUES(?,?,?,?,?,?,NULL)"};
  for (const auto& head : store.state.heads) {
    add.bind(1, head.at.value).bind(2, view(head.id.bytes)).bind(3, static_cast<std::uint64_t>(head.kind));
    add.bind(4, static_cast<std::uint64_t>(head.time.count())).bind(5, view(head.body.bytes));
    if (!add.bind(6, view(head.hash.bytes)).done())
      return false;
  }
  statement body{db_, "UPDATE history SET body=? WHERE cursor=?"};
  for (const auto& [at, bytes] : store.state.bodies)
    if (!body.bind(1, bytes).bind(2, at.value).done())
      return false;
  return true;
}

}  // namespace troupe::actors
