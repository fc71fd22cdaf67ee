#include "cluster/store_restore.hpp"

#include <algorithm>
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

}  // namespace

expected<stored_store> restore_from_copy(const stored_store& copy, const restore_request& request) {
  const auto counter = std::max(copy.identity.generation.counter, request.generation_known) + 1;
  auto store = primary::make(copy.state, {}, counter);
  if (!store)
    return tl::unexpected{std::move(store.error())};
  if (store->find(node_key(request.self)) == nullptr)
    return fail(errc::refused, "this node is not registered in the copy that it holds: it cannot become the primary");
  stored_store made;
  made.identity = {request.store_id, {counter, request.salt}, copy.identity.store_id, store->barrier()};
  auto ttl = default_ttl;
  if (const auto* largest = store->find(max_ttl_key); largest != nullptr)
    ttl = decode_span(*largest).value_or(default_ttl);
  commit_request last{{}, erase_bound(*store), request.store_id};
  last.writes.push_back({primary_key, encode_primary(request.self), false});
  last.writes.push_back({claims_closed_key, encode_span(ttl + claims_margin), false});
  auto result = store->apply(last, store->last_time());
  if (auto* refusal = std::get_if<refused>(&result))
    return tl::unexpected{std::move(refusal->why)};
  if (!store->has_staged())
    return fail(errc::bad_usage, "the id of the new store was used before");
  store->made_durable();
  made.state = store->whole();
  return made;
}

}  // namespace troupe::cluster
