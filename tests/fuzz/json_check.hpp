// JSON as another library reads it: what troupe writes must be good for any reader, and what troupe reads must mean the
// same to others.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace troupe::fuzz {

/// Parses what troupe wrote. Ends the process unless it is JSON in UTF-8 without a member that stands there twice.
/// @param promise  what else the process says.
nlohmann::json parse_written_json(std::string_view text, std::string_view promise);

/// What the other library makes of any text; discarded when it is no JSON. For it alone a NUL ends the text, and it
/// passes over a byte order mark.
nlohmann::json read_elsewhere(std::string_view text);

/// Whether the other library reads `text` as troupe does: it refuses lone surrogates, and rounds numbers or refuses
/// those that no double holds.
bool is_read_alike(std::string_view text);

/// `text` without a byte order mark.
std::string_view without_mark(std::string_view text) noexcept;

/// Text as JSON of troupe shows it: bytes that are not UTF-8 are read as Latin-1.
std::string shown(std::string_view text);

}  // namespace troupe::fuzz
