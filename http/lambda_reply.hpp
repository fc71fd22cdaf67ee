// From what a handler returned to the reply that the edge writes: the response half of payload format 2.0.
// Errors become replies in http/responses, not here.
#pragma once

#include "config/errc.hpp"
#include "functions/outcome.hpp"
#include "http/reply.hpp"

namespace troupe::http {

/// JSON that is no object with `statusCode`, and bytes that are no JSON, are the body as they are (a JSON string
/// without its quotes): 200, `application/json`. Otherwise status, fields, cookies and body are those of the object.
///
/// Choices where the format leaves room: a status is an integer of 200 to 599 or a string of one; a null member counts
/// as absent; `cookies` that is no list is skipped; `isBase64Encoded` must be a boolean; a field value is a string,
/// number (as written) or boolean; 204 and 304 go without body and default content type; lone surrogates become U+FFFD;
/// JSON nested deeper than 512 counts as no JSON. `date`, `content-length`, `apigw-requestid` and hop-by-hop fields are
/// dropped, and all but the first `content-type`.
///
/// @returns `errc::malformed_answer` with what is wrong, for the log.
/// The body keeps the answer's memory. Any thread; keeps a parser per thread.
expected<reply> make_reply(functions::json_answer&& answer);

/// The same checks and defaults for what a native handler returned. The body is moved, never copied.
expected<reply> make_reply(functions::native_response&& response);

}  // namespace troupe::http
