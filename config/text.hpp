// Encodings that several rooms need: percent, base64, hex, UTF-8. No protocol decisions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// Decodes `%XX`; a malformed `%` stays as it is (RULES: Edge). `+` is left alone.
std::string percent_decode(std::string_view text);
/// The same for a query component, where `+` is a space.
std::string query_decode(std::string_view text);

/// Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view bytes) noexcept;
/// Bytes read as Latin-1, written as UTF-8.
std::string latin1_to_utf8(std::string_view bytes);

/// Padded base64 (RFC 4648 section 4).
std::string base64_encode(std::string_view bytes);
void base64_append(std::string& out, std::string_view bytes);
/// Accepts padded and unpadded input of the standard alphabet; nothing else, no blanks.
std::optional<std::string> base64_decode(std::string_view text);

std::string hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> unhex(std::string_view text);

/// Appends `text` as the inside of a JSON string (quotes not included). `text` must be UTF-8.
void json_escape_append(std::string& out, std::string_view text);

/// Bytes of a file name as a message can show them: in quotes, controls and foreign bytes escaped, at most 200
/// characters.
std::string in_quotes(std::string_view name);

/// Whether `a` equals `b` when ASCII letters compare without case.
bool iequals(std::string_view a, std::string_view b) noexcept;
std::string to_lower(std::string_view text);

/// `2006-01-02T15:04:05.000Z`. @param wall  milliseconds since 1970 UTC.
std::string utc_text(std::chrono::milliseconds wall);

}  // namespace troupe
