// A direct invocation: what its headers and payload ask for, and what became of it as HTTP (specs: lambda-control-api
// 4, lambda-runtime-api 6).
#pragma once

#include <cstdint>
#include <string>

#include "config/errc.hpp"
#include "functions/http_request.hpp"
#include "functions/invocation.hpp"
#include "functions/outcome.hpp"
#include "http/control_api/lambda_error.hpp"

namespace troupe::http {

struct invoke_request {
  std::string payload;         ///< JSON; `{}` when none was sent
  std::string client_context;  ///< JSON, or empty
  std::string trace;           ///< X-Amzn-Trace-Id as it was sent, or empty
  bool dry_run = false;
  bool wants_log_tail = false;
};

/// The largest payload of a request, as on Lambda.
inline constexpr std::size_t max_invoke_bytes = 6'291'456;

/// @returns InvalidParameterValueException for types of invocation that this node does not have,
/// InvalidRequestContentException for what is not JSON, RequestTooLargeException.
lambda_result<invoke_request> parse_invoke(const functions::http_request& request);

/// 200 with what the function returned or how it failed, or the error of a call that did not run.
/// @param arn  of the function.
reply invoke_reply(functions::outcome&& what, const functions::invocation& call, std::string_view arn);

}  // namespace troupe::http
