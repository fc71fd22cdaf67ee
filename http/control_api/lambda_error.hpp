// The errors of the AWS Lambda API as its clients read them (specs: lambda-control-api 1).
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/errc.hpp"
#include "http/reply.hpp"

namespace troupe::http {

struct lambda_error {
  unsigned status = 400;
  std::string type{};     ///< `ResourceNotFoundException`, ...
  std::string message{};  ///< for people
  std::string reason{};   ///< of a TooManyRequestsException
  bool later = false;     ///< trying again soon makes sense: `retry-after: 1`
};

template <class T>
using lambda_result = tl::expected<T, lambda_error>;

tl::unexpected<lambda_error> refuse(lambda_error why);

lambda_error invalid_parameter(std::string message);
lambda_error invalid_content(std::string message);
/// @param constraint  `Member must have length less than or equal to 64`, ...
lambda_error validation_fault(std::string_view value, std::string_view field, std::string_view constraint);
lambda_error function_not_found(std::string_view arn);
lambda_error update_in_progress(std::string_view arn);
/// A call that this API does not have.
lambda_error unknown_operation(std::string_view method, std::string_view path);
lambda_error throttled(std::string_view reason);
/// The node is at fault, or cannot now.
lambda_error service_fault(const error& why);

/// `request_id` is a UUID.
reply error_reply(const lambda_error& why, std::string_view request_id);
/// A success with a JSON body, or an empty one for 204.
reply success_reply(unsigned status, std::string body, std::string_view request_id);

}  // namespace troupe::http
