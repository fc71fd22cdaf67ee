// The `troupe` program behind `main`: reads the command line and runs what it says. What commands and flags there are
// is declared in cli/command_line_app.
#pragma once

#include "cli/command_tree.hpp"

namespace troupe::cli {

/// Parses and runs one command. Called from the main thread before any other thread exists.
/// @returns the exit code: 0 done, 1 refused or failed, 2 wrong usage, or that of a node.
int run_command_line(int argc, const char* const* argv);

/// What the declarations say.
command_tree describe_command_line();

}  // namespace troupe::cli
