#include "cluster/store_restore.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr milliseconds default_ttl{10'000};
constexpr milliseconds claims_margin{7'000};

/// What a new history must not take over: who lived and who owned is told anew.
std::vector<write> erase_bound(const primary& store) {
  std::vector<write> erasures;
  for (const std::string_view prefix : {"bound/", "session/", "live/", "owner/"})
    for (const auto* each : store.find_all(prefix)) {
      if (prefix == "bound/")
        erasures.push_back({each->key.substr(prefix.size()), {}, true});
      else if (store.find("bound/" + each->key) == nullptr)
        erasures.push_back({each->key, {}, true});
    }
  return erasures;
}

milliseconds ttl_in(const record& stored) {
  return decode_span(stored).value_or(default_ttl);
}

/// Adds the row that begins the new history.
expected<stored_store> begin_history(primary store, const store_identity& identity, std::vector<write> writes,
                                     milliseconds largest_ttl, const node_id& self) {
  commit_request last{{}, erase_bound(store), identity.store_id};
  std::move(writes.begin(), writes.end(), std::back_inserter(last.writes));
  last.writes.push_back({primary_key, encode_primary(self), false});
  last.writes.push_back({claims_closed_key, encode_span(largest_ttl + claims_margin), false});
  auto result = store.apply(last, store.last_time());
  if (auto* refusal = std::get_if<refused>(&result))
    return tl::unexpected{std::move(refusal->why)};
  if (!store.has_staged())
    return fail(errc::bad_usage, "the id of the new store was used before");
  store.made_durable();
  return stored_store{identity, store.whole()};
}

/// Epochs have 24 bits for the generation and 40 for the commit: beyond that they would not rise.
constexpr std::uint64_t max_generation = (1U << 24) - 1;
constexpr cursor max_cursor{(std::uint64_t{1} << 40) - 1};

expected<void> check_numbers(std::uint64_t counter, cursor at) {
  if (counter == 0 || counter > max_generation)
    return fail(errc::refused, "the generation cannot be raised: " + std::to_string(counter - 1) + " is known, " +
                                   std::to_string(max_generation) + " is the highest");
  if (at >= max_cursor)
    return fail(errc::refused, "commit " + std::to_string(at.value) + " leaves no room for others: at most " +
                                   std::to_string(max_cursor.value) + " can be counted");
  return {};
}

bool is_node(const record& each) {
  return each.key.starts_with("node/");
}

/// A backup has no rows, so that the history that it is restored to begins with one without a body.
primary_state state_of(const backed_up_store& backup) {
  primary_state state;
  for (const auto& each : backup.contents.records)
    if (!is_node(each))
      state.records.push_back(each);
  row_head head;
  head.at = std::max(backup.contents.cursor, cursor{1});
  head.id = backup.identity.store_id;
  auto body = encode_body({head.at, {}, {}});
  head.body = sha256(body);
  head.hash = chain_hash({}, head);
  state.heads.push_back(head);
  state.bodies.emplace_back(head.at, std::move(body));
  return state;
}

}  // namespace

expected<stored_store> restore_from_copy(const stored_store& copy, const restore_request& request) {
  const auto counter = std::max(copy.identity.generation.counter, request.generation_known) + 1;
  if (auto checked = check_numbers(counter, {}); !checked)
    return tl::unexpected{std::move(checked.error())};
  auto store = primary::make(copy.state, {}, counter);
  if (!store)
    return tl::unexpected{std::move(store.error())};
  if (store->find(node_key(request.self)) == nullptr)
    return fail(errc::refused, "this node is not registered in the copy that it holds: it cannot become the primary");
  const auto* largest = store->find(max_ttl_key);
  const auto ttl = largest != nullptr ? ttl_in(*largest) : default_ttl;
  const store_identity identity{request.store_id, {counter, request.salt}, copy.identity.store_id, store->barrier()};
  return begin_history(std::move(*store), identity, {}, ttl, request.self);
}

cursor common_cursor(const store_identity& backup, cursor backup_at, const store_identity& other) {
  if (backup.store_id == other.store_id)
    return backup_at;
  if (other.parent_store == backup.store_id)
    return std::min(backup_at, other.parent_cursor);
  if (backup.parent_store == other.store_id)
    return backup.parent_cursor;
  return {};
}

expected<stored_store> restore_from_backup(const backed_up_store& backup, const replaced_store* in_place_of,
                                           const restore_request& request) {
  const auto known = in_place_of != nullptr ? in_place_of->identity.generation.counter : 0;
  const auto counter = std::max({backup.identity.generation.counter, request.generation_known, known}) + 1;
  if (auto checked = check_numbers(counter, backup.contents.cursor); !checked)
    return tl::unexpected{std::move(checked.error())};
  auto store = primary::make(state_of(backup), {}, counter);
  if (!store)
    return tl::unexpected{std::move(store.error())};
  const auto at = backup.contents.cursor;
  store_identity identity{request.store_id, {counter, request.salt}, backup.identity.store_id, at};
  auto ttl = default_ttl;
  if (const auto* largest = store->find(max_ttl_key); largest != nullptr)
    ttl = ttl_in(*largest);
  std::vector<write> writes;
  if (in_place_of != nullptr) {
    identity.parent_store = in_place_of->identity.store_id;
    identity.parent_cursor = common_cursor(backup.identity, at, in_place_of->identity);
    for (const auto& each : in_place_of->records) {
      if (is_node(each))
        writes.push_back({each.key, each.value, false});
      if (each.key == max_ttl_key)
        ttl = std::max(ttl, ttl_in(each));
    }
  }
  return begin_history(std::move(*store), identity, std::move(writes), ttl, request.self);
}

}  // namespace troupe::cluster
