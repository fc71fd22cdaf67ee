// Where a setting was written, and what is wrong with one: for people as a line, for programs member by member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Where a value comes from.
struct setting_place {
  enum class kind_type : std::uint8_t { built_in, file, environment, flag };
  kind_type kind = kind_type::built_in;
  std::string name{};    ///< of the file, the variable, or the flag with its dashes
  std::size_t line = 0;  ///< of the file, from 1; 0: the file as a whole
  bool operator==(const setting_place&) const = default;
};

/// `troupe.yaml:12`, `environment TROUPE_NAME`, `flag --name`, `default`.
std::string to_string(const setting_place& place);

/// One thing that is wrong. What does not apply is empty.
struct setting_fault {
  std::string key{};
  setting_place place{};
  std::string value{};    ///< as it was written; elements of a list with `, ` between them
  std::string allowed{};  ///< in words
  std::string meant{};    ///< the known name that an unknown one is nearest to
  std::string what{};     ///< all of it in one line, as `in_one_line` gives it
};

/// What somebody wrote, in a message: control characters, which would break the line or speak to a terminal, are
/// escaped; what is not UTF-8 is read as Latin-1.
std::string in_one_line(std::string_view text);

}  // namespace troupe
