// What a worker's answer says, member by member, if it is a response at all. Used by http/lambda_reply only.
#pragma once

#include <string>
#include <string_view>

#include "config/buffer.hpp"
#include "http/reply_fields.hpp"

namespace troupe::http {

/// The members of an answer that make a response. The views point into the answer's bytes.
struct answer_parts {
  bool has_status = false;
  std::string_view status;   ///< JSON token
  std::string_view body;     ///< JSON token; empty: none
  std::string_view encoded;  ///< JSON token of `isBase64Encoded`; empty: none
  reply_fields fields;
  std::string fault;  ///< the first thing in headers or cookies that HTTP or the format does not allow; empty: none
};

/// @returns whether `bytes` are a JSON object with `statusCode`; then `out` has its parts. Grows the capacity of
/// `bytes` by padding for the parser where that is missing.
bool read_answer(buffer& bytes, answer_parts& out);

/// `text` between single quotes, for a log: one line of bounded length.
std::string quoted(std::string_view text);

}  // namespace troupe::http
