#include "cli/completion.hpp"

namespace troupe::cli {

namespace {

constexpr std::string_view fish_begin =
    R"fish(# Completes troupe's commands in fish: troupe completion fish > ~/.config/fish/completions/troupe.fish

# The command that stands on the line already, if one does.
function __troupe_command
    set -l tokens (commandline -opc)
    set -l skip no
    for token in $tokens[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $token
            case VALUE_FLAGS
                set skip yes
            case '-*'
            case '*'
                echo $token
                return
        end
    end
end

function __troupe_is
    set -l command (__troupe_command)
    test "$command" = "$argv[1]"
end

function __troupe_names
    set -l tokens (commandline -opc)
    set -l admin
    if set -l at (contains -i -- --admin $tokens)
        set admin --admin $tokens[(math $at + 1)]
    end
    command troupe list --json $admin 2>/dev/null | NAME_FILTER
end

complete -c troupe -f
)fish";

/// Fish knows two escapes in single quotes: of the quote and of the backslash.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_action(value_kind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case value_kind::none: return "";
    case value_kind::text: return " -x";
    case value_kind::choice: return " -x -a " + quoted(joined(choices));
    case value_kind::file:
    case value_kind::at_file: return " -r -F";
    case value_kind::folder: return " -x -a '(__fish_complete_directories)'";
    case value_kind::function: return " -x -a '(__troupe_names)'";
  }
  return "";
}

std::string fish_flags(const std::string& command, const std::vector<flag_description>& flags) {
  std::string text;
  for (const auto& flag : flags) {
    text += "complete -c troupe -n " + quoted("__troupe_is '" + command + "'");
    for (const auto& name : flag.names)
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    text += fish_action(flag.value, flag.choices) + " -d " + quoted(short_help(flag.help)) + "\n";
  }
  return text;
}

void replace(std::string& text, std::string_view mark, std::string_view by) {
  text.replace(text.find(mark), mark.size(), by);
}

}  // namespace

std::string fish_completion(const command_tree& tree) {
  std::vector<std::string> value_flags;
  for (const auto& flag : tree.flags)
    if (flag.value != value_kind::none)
      value_flags.insert(value_flags.end(), flag.names.begin(), flag.names.end());
  std::string text{fish_begin};
  replace(text, "VALUE_FLAGS", joined(value_flags));
  replace(text, "NAME_FILTER", name_filter);
  text += fish_flags("", tree.flags);
  for (const auto& command : tree.commands)
    text += "complete -c troupe -n \"__troupe_is ''\" -a " + command.name + " -d " + quoted(short_help(command.help)) +
            "\n";
  for (const auto& command : tree.commands) {
    text += fish_flags(command.name, command.flags);
    for (const auto& argument : command.arguments) {
      const bool files = argument.value == value_kind::file;
      const auto candidates = files ? std::string{" -F"} : fish_action(argument.value, argument.choices);
      text += "complete -c troupe -n " + quoted("__troupe_is " + command.name) + candidates + "\n";
    }
  }
  return text;
}

}  // namespace troupe::cli
