#include "http/log_view.hpp"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "config/setting_values.hpp"
#include "config/text.hpp"

namespace troupe::http {

namespace {

std::string text_of(const actors::log_line& line) {
  auto text = is_utf8(line.text) ? line.text : latin1_to_utf8(line.text);
  if (line.form == actors::line_form::complete)
    return text;
  return utc_text(milliseconds{line.unix_ms}) + "\t" + (line.invocation_id.empty() ? "-" : line.invocation_id) + "\t" +
         text;
}

}  // namespace

expected<std::uint64_t> parse_log_position(std::string_view query) {
  if (query.empty())
    return 0;
  constexpr std::string_view name = "from=";
  const auto number = query.starts_with(name) ? parse_count(query.substr(name.size())) : std::nullopt;
  if (!number)
    return fail(errc::bad_usage, "query " + in_quotes(query) +
                                     ": allowed is from=NUMBER, the `next` of an earlier "
                                     "answer");
  return *number;
}

std::string logs_body(std::string_view function, std::string_view log,
                      const actors::function_log_ring::contents& kept) {
  auto lines = nlohmann::ordered_json::array();
  for (const auto& line : kept.lines)
    lines.push_back(text_of(line));
  const nlohmann::ordered_json body{{"function", function},    {"lines", std::move(lines)},
                                    {"next", kept.next},       {"overwritten", kept.overwritten},
                                    {"dropped", kept.dropped}, {"log", log}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace troupe::http
