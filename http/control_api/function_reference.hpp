// How callers of the Lambda API name a function: by name, ARN, part of an ARN, each with or without a qualifier.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/control_api/lambda_error.hpp"

namespace troupe::http {

/// Where ARNs of this node say that it is.
struct lambda_place {
  std::string region;
  std::string account;
};

struct function_reference {
  std::string name;
  std::string qualifier;  ///< `$LATEST` or empty
};

std::string function_arn(const lambda_place& place, std::string_view name);
/// The ARN as the caller qualified it.
std::string function_arn(const lambda_place& place, const function_reference& function);

/// @param text       percent-decoded.
/// @param qualifier  of the query.
/// @returns ValidationException for what has not the form; InvalidParameterValueException for two qualifiers that
/// differ and for any but `$LATEST`; ResourceNotFoundException for another region or account.
lambda_result<function_reference> parse_function_reference(std::string_view text,
                                                           const std::optional<std::string>& qualifier,
                                                           const lambda_place& place);

}  // namespace troupe::http
