#include "cli/command_line.hpp"

#include <iostream>

#include "cli/command_line_app.hpp"
#include "cli/suggestion.hpp"

namespace troupe::cli {

namespace {

std::vector<std::string> command_names(const command_tree& tree) {
  std::vector<std::string> names;
  for (const auto& command : tree.commands)
    names.push_back(command.name);
  return names;
}

std::vector<std::string> flag_names(const std::vector<flag_description>& flags) {
  std::vector<std::string> names;
  for (const auto& flag : flags)
    names.insert(names.end(), flag.names.begin(), flag.names.end());
  return names;
}

/// One line about a command line that cannot be understood, with the nearest word that can.
std::string explain(const command_line& line, const CLI::Error& problem) {
  const auto tree = tree_of(line);
  const auto unknown = line.app.remaining(true);
  const auto given = line.app.get_subcommands();
  if (given.empty() && !unknown.empty() && !unknown.front().starts_with('-'))
    return "there is no command '" + unknown.front() + "'" + did_you_mean(unknown.front(), command_names(tree)) +
           "; `troupe --help` lists them";
  const auto* command = given.empty() ? nullptr : tree.find(given.front()->get_name());
  const auto name = command == nullptr ? std::string{} : " " + command->name;
  const auto see = "; see `troupe" + name + " --help`";
  for (const auto& word : unknown)
    if (word.starts_with("-") && word != "-" && word != "--") {
      const auto flag = word.substr(0, word.find('='));
      const auto& known = command == nullptr ? tree.flags : command->flags;
      return (command == nullptr ? "there is no flag '" : command->name + " has no flag '") + flag + "'" +
             did_you_mean(flag, flag_names(known)) + see;
    }
  if (given.empty())
    return "no command is given" + see;
  return std::string{problem.what()} + see;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  command_line line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    // Help or version: text on standard output.
    line.app.exit(wanted);
    return exit_done;
  } catch (const CLI::ParseError& problem) {
    std::cerr << "troupe: " << explain(line, problem) << "\n";
    return exit_usage;
  }
  return line.run();
}

command_tree describe_command_line() {
  return tree_of(command_line{});
}

}  // namespace troupe::cli
