// From what became of an invocation to what the client of the gateway gets.
#pragma once

#include <string>

#include "functions/invocation.hpp"
#include "functions/outcome.hpp"
#include "http/reply.hpp"
#include "http/responses.hpp"

namespace troupe::http {

/// Never fails: an answer that is no valid response becomes the reply of `errc::malformed_answer`. Takes over the body.
/// What went wrong is logged here, once, with the call it belongs to.
reply reply_to(functions::outcome&& result, const functions::invocation& call, error_mode mode);

/// The reply of a call that failed outside of its function; logged like the others.
reply failed_call(const functions::invocation& call, errc code, const std::string& detail, error_mode mode);

/// For people and tools that read times.
double milliseconds_of(duration length) noexcept;

/// Appends the `server-timing` line: queue, cold start and run in milliseconds.
void append_timing(std::string& fields, const functions::outcome& result);

}  // namespace troupe::http
