#include "cluster/catalog_view.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/record_codec.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

bool is_function(std::string_view key) {
  return key.starts_with("function/");
}
bool is_route(std::string_view key) {
  return key.starts_with("route/");
}
bool is_node(std::string_view key) {
  return key.starts_with("node/");
}
bool is_live(std::string_view key) {
  return key.starts_with("live/");
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
    for (const auto& node : before.nodes)
      nodes_.emplace(node_key(node.id), node);
    for (const auto& [node, incarnation] : before.live)
      live_.emplace(live_key(node), std::pair{node, incarnation});
  }

  void put(const record& stored) {
    erase(stored.key);
    if (is_function(stored.key))
      keep(functions_, decode_function(stored), stored.key);
    else if (is_route(stored.key))
      keep(routes_, decode_route(stored), stored.key);
    else if (is_node(stored.key))
      keep(nodes_, decode_node(stored), stored.key);
    else if (is_live(stored.key))
      keep(live_, decode_session(stored).map([](const session_record& session) {
             return std::pair{session.node, session.incarnation};
           }),
           stored.key);
  }

  void erase(const std::string& key) {
    functions_.erase(key);
    routes_.erase(key);
    nodes_.erase(key);
    live_.erase(key);
    unreadable_.erase(key);
  }

  catalog_view finish(cursor at) {
    auto snapshot = std::make_shared<catalog_snapshot>();
    snapshot->cursor = at.value;
    for (auto& [key, function] : functions_)
      snapshot->functions.push_back(std::move(function));
    for (auto& [key, route] : routes_)
      snapshot->routes.push_back(std::move(route));
    for (auto& [key, node] : nodes_)
      snapshot->nodes.push_back(std::move(node));
    for (const auto& [key, session] : live_)
      snapshot->live.insert(session);
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
  std::map<std::string, node_record> nodes_;
  std::map<std::string, std::pair<uuid, uuid>> live_;  ///< node and incarnation
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
