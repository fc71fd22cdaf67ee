#include "http/cluster_view.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/setting_values.hpp"
#include "config/text.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t journal_id_size = 16;
/// More nodes than a cluster has: a reader's position fits into a request's target.
constexpr std::size_t max_places = 256;

std::string text_of(const json& body) {
  return body.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

json text_or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

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

bool is_journal_id(std::string_view text) {
  return text.size() == journal_id_size && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// `ID:NUMBER`
std::optional<std::pair<std::string, std::uint64_t>> parse_place(std::string_view text) {
  const auto colon = std::min(text.find(':'), text.size());
  const auto number = colon < text.size() ? parse_count(text.substr(colon + 1)) : std::nullopt;
  if (!number || !is_journal_id(text.substr(0, colon)))
    return std::nullopt;
  return std::pair{std::string{text.substr(0, colon)}, *number};
}

std::string text_of(const event_position& position) {
  std::string text;
  for (const auto& [id, next] : position)
    text.append(text.empty() ? "" : ",").append(id).append(":").append(std::to_string(next));
  return text;
}

}  // namespace

std::string nodes_body(std::span<const node_view> nodes) {
  auto list = json::array();
  for (const auto& node : nodes)
    list.push_back(object_of(node));
  return text_of(list);
}

expected<event_position> parse_event_position(std::string_view query) {
  event_position position;
  if (query.empty())
    return position;
  constexpr std::string_view name = "from=";
  bool valid = query.starts_with(name);
  auto rest = valid ? query.substr(name.size()) : query;
  while (valid) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto place = parse_place(rest.substr(0, comma));
    valid = place && position.insert(*place).second;
    if (comma == rest.size())
      break;
    rest.remove_prefix(comma + 1);
  }
  if (!valid)
    return fail(errc::bad_usage, "query " + in_quotes(query.substr(0, 80)) +
                                     ": allowed is from=POSITION, the `next` of an earlier answer");
  return position;
}

std::string events_body(const std::vector<journal_part>& parts, const std::vector<std::string>& silent,
                        const event_position& before) {
  struct entry {
    const std::string* node;
    const actors::journal_event* event;
  };
  std::vector<entry> merged;
  auto next = before;
  std::uint64_t overwritten = 0;
  for (const auto& part : parts) {
    next[part.id] = part.contents.next;
    overwritten += part.contents.overwritten;
    for (const auto& event : part.contents.events)
      merged.push_back({&part.node, &event});
  }
  if (next.size() > max_places)
    std::erase_if(next, [&](const auto& place) {
      return std::none_of(parts.begin(), parts.end(), [&](const auto& part) { return part.id == place.first; });
    });
  // By time, and those of one instant in the order in which they were told.
  std::stable_sort(merged.begin(), merged.end(),
                   [](const entry& a, const entry& b) { return a.event->unix_ms < b.event->unix_ms; });
  auto list = json::array();
  for (const auto& [node, event] : merged)
    list.push_back({{"unix_ms", event->unix_ms}, {"node", *node}, {"kind", event->kind}, {"text", event->text}});
  return text_of(
      json{{"events", std::move(list)}, {"next", text_of(next)}, {"overwritten", overwritten}, {"silent", silent}});
}

}  // namespace troupe::http
