#include "tests/fuzz/json_check.hpp"

#include <set>
#include <vector>

#include "config/text.hpp"
#include "tests/fuzz/target.hpp"

namespace troupe::fuzz {

nlohmann::json parse_written_json(std::string_view text, std::string_view promise) {
  using nlohmann::json;
  std::vector<std::set<std::string>> open;
  bool doubled = false;
  auto parsed = json::parse(
      text,
      [&](int, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start)
          open.emplace_back();
        else if (event == json::parse_event_t::object_end)
          open.pop_back();
        else if (event == json::parse_event_t::key)
          doubled = doubled || !open.back().insert(value.get<std::string>()).second;
        return true;
      },
      false);
  require(!parsed.is_discarded() && is_utf8(text), promise);
  require(!doubled, "no member of an object stands there twice");
  return parsed;
}

nlohmann::json read_elsewhere(std::string_view text) {
  using nlohmann::json;
  const bool is_plain = text.find('\0') == text.npos && without_mark(text).size() == text.size();
  return is_plain ? json::parse(text, nullptr, false) : json(json::value_t::discarded);
}

std::string_view without_mark(std::string_view text) noexcept {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

bool is_read_alike(std::string_view text) {
  constexpr std::size_t max_digits = 300;
  std::size_t digits = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    if (in_string || c == '"') {
      digits = 0;
      continue;
    }
    if (digits != 0 && (c == 'e' || c == 'E' || c == '.'))
      return false;
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (digits > max_digits)
      return false;
  }
  return text.find("\\u") == text.npos;
}

std::string shown(std::string_view text) {
  return is_utf8(text) ? std::string{text} : latin1_to_utf8(text);
}

}  // namespace troupe::fuzz
