// What `GET /v1/functions/NAME/logs` answers: the kept lines of a function at all nodes, or what came after a position
// that an earlier answer named. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/function_logs.hpp"
#include "http/merged_journals.hpp"

namespace troupe::http {

/// Of lines in one answer, all nodes together; what has no room is read next.
inline constexpr std::size_t max_log_bytes = std::size_t{8} << 20;

/// A line as people read it: with time and call, unless its shim wrote it so.
std::string text_of(const actors::log_line& line);
/// What a ring gave, as a part of the function's log.
/// @param id  `actors::log_id_of`.
journal_part log_part(std::string node, std::string id, actors::function_log_ring::contents&& kept);

/// One JSON object and a line feed: `function`, `lines` of all nodes by time, `next` (what to give as `from` next time,
/// opaque to clients), `more` (whether `next` leads to lines that are there already), `overwritten` and `dropped`
/// (entries), and `silent`, the names of nodes that did not answer.
std::string logs_body(std::string_view function, const std::vector<journal_part>& parts,
                      const std::vector<std::string>& silent, const event_position& before);

}  // namespace troupe::http
