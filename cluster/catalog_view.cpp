#include "cluster/catalog_view.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/record_codec.hpp"

namespace troupe::cluster {

namespace {

bool is_function(std::string_view key) {
  return key.starts_with("function/");
}
bool is_route(std::string_view key) {
  return key.starts_with("route/");
}

/// A snapshot while it is changed.
class draft {
public:
  draft() = default;
  explicit draft(const catalog_snapshot& before) {
    for (const auto& function : before.functions)
      functions_.emplace(function_key(function.name), function);
    for (const auto& route : before.routes)
      routes_.emplace(route_record_key(route.api, route.key), route);
  }

  void put(const record& stored) {
    erase(stored.key);
    if (is_function(stored.key))
      keep(functions_, decode_function(stored), stored.key);
    else if (is_route(stored.key))
      keep(routes_, decode_route(stored), stored.key);
  }

  void erase(const std::string& key) {
    functions_.erase(key);
    routes_.erase(key);
    unreadable_.erase(key);
  }

  catalog_view finish(cursor at) {
    auto snapshot = std::make_shared<catalog_snapshot>();
    snapshot->cursor = at.value;
    for (auto& [key, function] : functions_)
      snapshot->functions.push_back(std::move(function));
    for (auto& [key, route] : routes_)
      snapshot->routes.push_back(std::move(route));
    catalog_view view{std::move(snapshot), {}};
    for (auto& [key, why] : unreadable_)
      view.unreadable.push_back(std::move(why));
    return view;
  }

private:
  template <class Map, class Decoded>
  void keep(Map& map, Decoded decoded, const std::string& key) {
    if (decoded)
      map.emplace(key, std::move(*decoded));
    else
      unreadable_.emplace(key, std::move(decoded.error()));
  }

  std::map<std::string, function_record> functions_;
  std::map<std::string, route_record> routes_;
  std::map<std::string, error> unreadable_;
};

}  // namespace

const function_record* find_function(const catalog_snapshot& snapshot, std::string_view name) {
  const auto found = std::lower_bound(snapshot.functions.begin(), snapshot.functions.end(), name,
                                      [](const auto& each, std::string_view wanted) { return each.name < wanted; });
  return found == snapshot.functions.end() || found->name != name ? nullptr : &*found;
}

catalog_view make_snapshot(std::span<const record> records, cursor at) {
  draft all;
  for (const auto& stored : records)
    all.put(stored);
  return all.finish(at);
}

catalog_view apply(const catalog_snapshot& before, std::span<const applied> commits) {
  draft all{before};
  cursor at{before.cursor};
  for (const auto& commit : commits) {
    if (commit.cursor <= at)
      continue;
    for (const auto& stored : commit.puts)
      all.put(stored);
    for (const auto& key : commit.erased)
      all.erase(key);
    at = commit.cursor;
  }
  return all.finish(at);
}

}  // namespace troupe::cluster
