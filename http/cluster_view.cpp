#include "http/cluster_view.hpp"

#include <nlohmann/json.hpp>

#include "http/body_text.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

json number_or_null(const std::optional<std::uint64_t>& number) {
  return number ? json(*number) : json(nullptr);
}

json object_of(const node_view& node) {
  return {{"name", node.name},
          {"id", to_string(node.id)},
          {"role", node.role},
          {"state", node.state},
          {"age_ms", number_or_null(node.age_ms)},
          {"version", text_or_null(node.version)},
          {"cluster", text_or_null(node.cluster)},
          {"store",
           {{"cursor", number_or_null(node.store.cursor)},
            {"lag", number_or_null(node.store.lag)},
            {"digest", text_or_null(node.store.digest)},
            {"backup_age_ms", number_or_null(node.store.backup_age_ms)}}},
          {"load", {{"in_flight", node.load.in_flight}, {"ready", node.load.ready}}},
          {"functions", node.functions}};
}

}  // namespace

std::string nodes_body(std::span<const node_view> nodes) {
  auto list = json::array();
  for (const auto& node : nodes)
    list.push_back(object_of(node));
  return text_of(list);
}

std::string events_body(const std::vector<journal_part>& parts, const std::vector<std::string>& silent,
                        const event_position& before) {
  const auto merged = merge(parts, before);
  auto list = json::array();
  for (const auto& [node, event] : merged.entries)
    list.push_back({{"unix_ms", event->unix_ms}, {"node", *node}, {"kind", event->kind}, {"text", event->text}});
  return text_of(json{{"events", std::move(list)},
                      {"next", to_string(merged.next)},
                      {"overwritten", merged.overwritten},
                      {"silent", silent}});
}

}  // namespace troupe::http
