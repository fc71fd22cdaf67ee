// The payload of `troupe invoke`: from the command line, a file or standard input, checked before anything is sent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/errc.hpp"

namespace troupe::cli {

/// What Lambda takes for one invocation.
inline constexpr std::size_t max_payload_bytes = 6 * 1024 * 1024;

/// @param source  JSON itself, `@FILE`, or `-` for all of standard input.
/// @returns `errc::too_big` beyond `max_payload_bytes`, `errc::io` when it cannot be read, `errc::bad_usage` when it is
/// not JSON, naming line and column.
expected<std::string> read_payload(const std::string& source);

/// @returns `errc::bad_usage` naming line and column where `text` stops being JSON.
expected<void> check_json(std::string_view text);

}  // namespace troupe::cli
