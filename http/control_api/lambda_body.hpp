// The JSON bodies of calls that change functions, read and checked (specs: lambda-control-api 3). Bodies of 70 MB are
// possible: parse them off the loops.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/function_change.hpp"
#include "config/ids.hpp"
#include "functions/launch.hpp"
#include "http/control_api/function_reference.hpp"

namespace troupe::http {

/// What bodies are judged by.
struct lambda_surroundings {
  lambda_place place;
  functions::runtime_programs programs;
};

/// The largest archive that travels in a request, as on Lambda.
inline constexpr std::size_t max_zip_bytes = 52'428'800;

struct zip_upload {
  digest sha256;
  std::shared_ptr<const std::string> bytes;
};

struct create_body {
  function_reference function;
  cluster::function_change change;
  zip_upload code;
};

struct code_body {
  cluster::function_change change;  ///< the architecture
  zip_upload code;
  std::optional<std::string> revision_id;
  bool dry_run = false;
};

struct configuration_body {
  cluster::function_change change;
  std::optional<std::string> revision_id;
};

// All return ValidationException, InvalidParameterValueException, InvalidRequestContentException or
// RequestTooLargeException, naming the member. Members that this node does not know are passed over, as AWS does; those
// that ask for what it cannot do are refused.

lambda_result<create_body> parse_create(std::string_view body, const lambda_surroundings& around);
lambda_result<code_body> parse_code(std::string_view body);
lambda_result<configuration_body> parse_configuration(std::string_view body, const lambda_surroundings& around);
/// The tags of a TagResource.
lambda_result<cluster::function_change> parse_tags(std::string_view body);

}  // namespace troupe::http
