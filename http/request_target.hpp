// The target of a request line and the authority of a Host field: which forms are served, and where path and query lie.
#pragma once

#include <optional>
#include <string_view>

#include "http/request_head.hpp"

namespace troupe::http {

/// Whether `text` is `name`, `IPv4` or `[IPv6]`, with or without `:port`. Stricter than a URI's: no user, no `,`, no
/// `%`.
bool is_authority(std::string_view text) noexcept;

struct target_parts {
  std::string_view authority;  ///< empty unless the target is absolute
  std::string_view path;
  std::string_view query;
};

/// Splits a target of bytes 0x21 to 0x7e: `/path?query`, `http://authority/path?query`, or `*` for OPTIONS.
/// @returns 400 for other forms, for `#`, `.` and `..` segments (also encoded), `%00` in the path, and for escapes in
/// path
///          or query that are not UTF-8. A malformed `%` stays as it is.
std::optional<refusal> split_target(std::string_view target, std::string_view method, target_parts& out) noexcept;

}  // namespace troupe::http
