// Scripts that let a shell complete troupe's commands, made from what the command line declares. Names of functions are
// asked of the node while the user types; without one there are none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_tree.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

std::vector<std::string> completion_shells();

/// @returns `errc::bad_usage` naming the shells that there are scripts for.
expected<std::string> completion_script(std::string_view shell, const command_tree& tree);

std::string bash_completion(const command_tree& tree);
std::string zsh_completion(const command_tree& tree);
std::string fish_completion(const command_tree& tree);

/// Takes the names out of `troupe list --json`: a sed program in single quotes.
inline constexpr std::string_view name_filter = R"sed(sed -n 's/^      "name": "\([^"]*\)".*/\1/p')sed";

/// `text` in single quotes, as bash and zsh read it.
std::string in_single_quotes(std::string_view text);
/// Words with one blank between them, or whatever `between` says.
std::string joined(const std::vector<std::string>& words, std::string_view between = " ");
/// The first sentence, up to a `;`, a colon or a parenthesis, for a list of candidates.
std::string short_help(std::string_view help);

}  // namespace troupe::cli
