#include "http/merged_journals.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "config/setting_values.hpp"
#include "config/text.hpp"

namespace troupe::http {

namespace {

constexpr std::size_t journal_id_size = 16;
/// More nodes than a cluster has: a reader's position fits into a request's target.
constexpr std::size_t max_places = 256;

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

/// The part with more to come that reached least far, if there is any.
const journal_part* least_far(const std::vector<journal_part>& parts) {
  const journal_part* found = nullptr;
  for (const auto& part : parts)
    if (part.more && !part.contents.events.empty() &&
        (found == nullptr || part.contents.events.back().unix_ms < found->contents.events.back().unix_ms))
      found = &part;
  return found;
}

}  // namespace

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

std::string to_string(const event_position& position) {
  std::string text;
  for (const auto& [id, next] : position)
    text.append(text.empty() ? "" : ",").append(id).append(":").append(std::to_string(next));
  return text;
}

merged_journals merge(const std::vector<journal_part>& parts, const event_position& before) {
  merged_journals merged;
  merged.next = before;
  const auto* bound = least_far(parts);
  merged.more = bound != nullptr;
  const auto last_ms =
      bound == nullptr ? std::numeric_limits<std::int64_t>::max() : bound->contents.events.back().unix_ms;
  for (const auto& part : parts) {
    merged.overwritten += part.contents.overwritten;
    merged.dropped += part.dropped;
    auto& next = merged.next[part.id];
    next = part.contents.next;
    for (const auto& event : part.contents.events) {
      // All of the part that sets the bound, even where its node's clock went back: each turn gets further.
      if (event.unix_ms > last_ms && &part != bound) {
        next = event.sequence;
        break;
      }
      merged.entries.push_back({&part.node, &event});
    }
  }
  if (merged.next.size() > max_places)
    std::erase_if(merged.next, [&](const auto& place) {
      return std::none_of(parts.begin(), parts.end(), [&](const auto& part) { return part.id == place.first; });
    });
  std::stable_sort(merged.entries.begin(), merged.entries.end(),
                   [](const auto& a, const auto& b) { return a.event->unix_ms < b.event->unix_ms; });
  return merged;
}

}  // namespace troupe::http
