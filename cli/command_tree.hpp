// The command line as plain values: which commands and flags there are and what they take. Made from the declarations
// in cli/command_line_app; completion, help and tests read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// What a flag or an argument takes, as far as a shell can complete it.
enum class value_kind : std::uint8_t {
  none,      ///< a flag without a value
  text,      ///< whatever the user likes
  choice,    ///< one of `choices`, or something like it
  file,      ///< a file or a folder
  at_file,   ///< a file behind an `@`, among other things
  folder,    ///< a folder
  function,  ///< a deployed function
};

struct flag_description {
  std::vector<std::string> names;  ///< with their dashes
  std::string help;
  value_kind value = value_kind::none;
  std::vector<std::string> choices;
  std::string placeholder;  ///< for its value: `ADDRESS:PORT`
};

struct argument_description {
  std::string name;
  std::string help;
  value_kind value = value_kind::text;
  std::vector<std::string> choices;
};

struct command_description {
  std::string name;
  std::string help;
  std::vector<flag_description> flags;  ///< its own and those of every command that it takes as well
  std::vector<argument_description> arguments;
  std::string notes{};  ///< below its flags in the help: examples and what else there is to say
};

struct command_tree {
  std::vector<flag_description> flags;  ///< before the command
  std::vector<command_description> commands;

  const command_description* find(std::string_view name) const noexcept {
    for (const auto& command : commands)
      if (command.name == name)
        return &command;
    return nullptr;
  }
};

}  // namespace troupe::cli
