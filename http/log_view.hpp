// What `GET /v1/functions/NAME/logs` asks for and answers: the kept lines of a function, or what came after a position
// that an earlier answer named. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/function_logs.hpp"
#include "config/errc.hpp"

namespace troupe::http {

/// @param query  of the target: empty, or `from=NUMBER`.
/// @returns the position, 0 for everything kept, or `errc::bad_usage`.
expected<std::uint64_t> parse_log_position(std::string_view query);

/// One JSON object and a line feed: `function`, `lines` (oldest first), `next` (what to give as `from` next time),
/// `overwritten` and `dropped` (entries) and `log`.
/// @param log  names the ring that was read; another name means that positions in it begin anew.
std::string logs_body(std::string_view function, std::string_view log, const actors::function_log_ring::contents& kept);

}  // namespace troupe::http
