// `troupe config`: what its actions take.
#pragma once

#include <optional>
#include <string>

#include "cli/serve.hpp"

namespace troupe::cli {

struct config_options {
  std::string action;               ///< `check`, `show` or `reload`
  std::optional<std::string> file;  ///< of `check`
  serve_options node;               ///< `show` of what a node would run with: `--config` and `--set`
};

}  // namespace troupe::cli
