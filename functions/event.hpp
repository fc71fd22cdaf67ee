// From an HTTP request to the JSON that a handler receives: payload format 2.0 of API Gateway's HTTP APIs.
// Byte for byte where the format is settled; where it is not, the choice is stated here. Answers are
// http/lambda_reply's.
#pragma once

#include <string_view>
#include <vector>

#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "functions/invocation.hpp"
#include "functions/json_writer.hpp"
#include "functions/trace_id.hpp"

namespace troupe::functions {

/// What an event says beyond its request. Nothing is owned: the views must live until `append_event` returns.
struct event_context {
  milliseconds wall;  ///< milliseconds since 1970 UTC at which the request was complete; 0 to the year 9999
  trace_id trace;     ///< the call frame carries the same
  std::string_view api_id = "troupe";
  std::string_view account_id = "000000000000";
  std::string_view stage = "$default";  ///< any other name stands before the path, as on AWS
};

/// Appends the event of `call` to `out`; always valid JSON, whatever bytes the client sent. A direct invoke's payload
/// goes through as it is (`{}` when it is empty).
///
/// Choices where the format leaves room:
/// - members that would be empty are absent, never null: `cookies`, `queryStringParameters`, `pathParameters`, `body`;
/// - repeated fields and query keys are joined with `,` at the place of the first;
/// - `content-length` is the size of the decoded body and always there; `transfer-encoding` is left out, since the body
/// no
///   longer has one; all other fields are handed on;
/// - `domainName` is Host without its port (`[::1]` keeps its brackets), "" without Host; `domainPrefix` its first
/// label;
/// - `+` in a query is a blank in `queryStringParameters`;
/// - text that is not UTF-8 is read as Latin-1, but a body that is not UTF-8 becomes base64.
///
/// @param varying  unless null, gets where the values stand that differ between requests of one route and kind of
/// client,
///                 in order; nothing for a direct invoke. What is between them is the event's shape.
void append_event(buffer& out, const invocation& call, const event_context& context,
                  std::vector<json_span>* varying = nullptr);

}  // namespace troupe::functions
