// From what became of an invocation to what the client of the gateway gets.
#pragma once

#include <string>

#include "functions/outcome.hpp"
#include "http/reply.hpp"
#include "http/responses.hpp"

namespace troupe::http {

/// Never fails: an answer that is no valid response becomes the reply of `errc::malformed_answer`. Takes over the body,
/// and what went wrong, which is for the log.
reply reply_to(functions::outcome&& result, error_mode mode);

/// For people and tools that read times.
double milliseconds_of(duration length) noexcept;

/// Appends the `server-timing` line: queue, cold start and run in milliseconds.
void append_timing(std::string& fields, const functions::outcome& result);

}  // namespace troupe::http
