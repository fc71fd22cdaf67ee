// The reference as files: what `troupe help` says, as a man page and in Markdown. Made from the declarations, so that
// neither can be out of date.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_tree.hpp"

namespace troupe::cli {

/// troupe(1), for `man`: commands, settings, exit codes, files, environment, signals.
std::string manual_page(const command_tree& tree);

/// The headings of the reference of settings, in its order.
std::vector<std::string_view> setting_sections();

/// docs/settings.md.
std::string settings_document();

}  // namespace troupe::cli
