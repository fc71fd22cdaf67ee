#include "http/log_view.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "config/text.hpp"

namespace troupe::http {

std::string text_of(const actors::log_line& line) {
  auto text = is_utf8(line.text) ? line.text : latin1_to_utf8(line.text);
  if (line.form == actors::line_form::complete)
    return text;
  return utc_text(milliseconds{line.unix_ms}) + "\t" + (line.invocation_id.empty() ? "-" : line.invocation_id) + "\t" +
         text;
}

journal_part log_part(std::string node, std::string id, actors::function_log_ring::contents&& kept) {
  journal_part part{std::move(node), std::move(id), {{}, kept.next, kept.overwritten}, kept.more, kept.dropped};
  for (const auto& line : kept.lines)
    part.contents.events.push_back({line.sequence, line.unix_ms, {}, text_of(line)});
  return part;
}

std::string logs_body(std::string_view function, const std::vector<journal_part>& parts,
                      const std::vector<std::string>& silent, const event_position& before) {
  const auto merged = merge(parts, before);
  auto lines = nlohmann::ordered_json::array();
  for (const auto& [node, line] : merged.entries)
    lines.push_back({{"unix_ms", line->unix_ms}, {"node", *node}, {"text", line->text}});
  const nlohmann::ordered_json body{
      {"function", function}, {"lines", std::move(lines)},         {"next", to_string(merged.next)},
      {"more", merged.more},  {"overwritten", merged.overwritten}, {"dropped", merged.dropped},
      {"silent", silent}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace troupe::http
