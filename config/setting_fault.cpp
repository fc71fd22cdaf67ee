#include "config/setting_fault.hpp"

#include <cstdint>

#include "config/text.hpp"

namespace troupe {

std::string to_string(const setting_place& place) {
  switch (place.kind) {
    case setting_place::kind_type::built_in: return "default";
    case setting_place::kind_type::file: return place.name + (place.line == 0 ? "" : ":" + std::to_string(place.line));
    case setting_place::kind_type::environment: return "environment " + place.name;
    case setting_place::kind_type::flag: return "flag " + place.name;
  }
  return {};
}

std::string in_one_line(std::string_view text) {
  const auto utf8 = is_utf8(text) ? std::string{text} : latin1_to_utf8(text);
  std::string line;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    // DEL, and U+0080 to U+009F, which terminals obey as they do ESC.
    const bool c1 = utf8[i] == '\xc2' && i + 1 < utf8.size() && static_cast<std::uint8_t>(utf8[i + 1]) < 0xa0;
    const auto byte = static_cast<std::uint8_t>(utf8[c1 ? ++i : i]);
    if (c1 || byte == 0x7f)
      line.append("\\u00").append(hex({&byte, 1}));
    else if (byte < ' ')
      json_escape_append(line, {&utf8[i], 1});
    else
      line.push_back(utf8[i]);
  }
  return line;
}

}  // namespace troupe
