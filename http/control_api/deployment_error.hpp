// What the AWS Lambda API says of a change that did not happen.
#pragma once

#include <string>
#include <string_view>

#include "actors/deployment.hpp"
#include "http/control_api/lambda_error.hpp"

namespace troupe::http {

/// The RevisionId of the request is not the current one.
lambda_error revision_mismatch();

/// @param result  a failed one.
lambda_error deployment_error(const actors::deployment_result& result, const std::string& name, std::string_view arn);

}  // namespace troupe::http
