// What frames to and from the workers of native functions carry instead of JSON: the request and the response with all
// their bytes, as a handler inside the node would see them. Bytes only; functions/frame makes the frames.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "functions/invocation.hpp"
#include "functions/outcome.hpp"
#include "functions/sdk/troupe/function.hpp"

namespace troupe::functions {

/// What a worker learns of one call beside what every call frame says. All views point into the payload.
struct native_request {
  troupe_request raw{};  ///< its fields point into `fields`
  std::vector<troupe_field> fields;
  std::string_view request_id;
  std::uint64_t function_version = 0;
};

/// Appends the request of `call`: for the node, between `begin_call` and `end_call`.
void append_native_request(buffer& out, const invocation& call);
/// @returns `errc::corrupt` for what is no request.
expected<native_request> read_native_request(std::string_view payload);

/// Appends what a handler returned; the payload of an answer frame.
void append_native_answer(buffer& out, const native_response& response);
/// A copy of what `append_native_answer` wrote. Status and fields are not looked at.
/// @returns `errc::malformed_answer` for what is no answer.
expected<native_response> read_native_answer(std::string_view payload);

}  // namespace troupe::functions
