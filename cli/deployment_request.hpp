// What a deployment asks of the node: the flags as given, and whatever they leave out inferred from the code. Pure but
// for the files that it looks into.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/local_code.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

struct deployment_request {
  std::string name;
  nlohmann::ordered_json body;  ///< of `PUT /v1/functions/NAME`, but for `source`
};

/// What can be refused before anything is sent is refused here.
/// @returns `errc::bad_usage` naming the flag.
expected<deployment_request> describe_deployment(const deploy_options& options, const local_code& code);

}  // namespace troupe::cli
