// The reference as files: what `troupe help` says, as a man page and in Markdown. Made from the declarations, so that
// neither can be out of date.
#pragma once

#include <string>

#include "cli/command_tree.hpp"

namespace troupe::cli {

/// troupe(1), for `man`: commands, settings, exit codes, files, environment, signals.
std::string manual_page(const command_tree& tree);

/// docs/settings.md.
std::string settings_document();

}  // namespace troupe::cli
