// Commands that go on with what comes until the user ends them.
#pragma once

#include <functional>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "http/blocking_client.hpp"

namespace troupe::cli {

/// How long a node that is followed may take for an answer before it counts as out of reach.
http::blocking_client::limits follow_limits();

/// Calls `step`, which prints what came since the last time, every 300 ms until Ctrl-C, or until nobody reads what is
/// printed. A node that is out of reach is said once on stderr and waited for.
/// @returns the exit code; that of the failure when the first step fails, or a later one in a way that does not pass.
int follow(const client_options& client, const std::function<admin_result<void>()>& step);

}  // namespace troupe::cli
