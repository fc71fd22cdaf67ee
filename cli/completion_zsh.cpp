#include "cli/completion.hpp"

namespace troupe::cli {

namespace {

constexpr std::string_view zsh_begin = R"zsh(#compdef troupe
# Completes troupe's commands in zsh: put this into a folder of fpath as _troupe, before compinit runs.

_troupe_names() {
  local -a admin names
  # `words` are only those behind the command here; the flag may stand before it.
  [[ $BUFFER =~ '--admin[= ]+([^ ]+)' ]] && admin=(--admin $match[1])
  names=(${(f)"$(_call_program functions troupe list --json $admin 2>/dev/null | NAME_FILTER)"})
  compadd -a names
}

)zsh";

/// Text inside `[...]` or between colons of an argument's specification.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(value_kind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case value_kind::none:
    case value_kind::text: return " ";
    case value_kind::choice: return "(" + escaped(joined(choices)) + ")";
    case value_kind::file: return "_files";
    case value_kind::folder: return "_files -/";
    case value_kind::at_file: return "_files -P @";
    case value_kind::function: return "_troupe_names";
  }
  return " ";
}

std::string zsh_flag(const flag_description& flag, const std::string& name) {
  auto specification = name;
  if (flag.value != value_kind::none && name.starts_with("--"))
    specification += "=";
  // Any number of times: which may be repeated is the program's business.
  specification = "*" + specification + "[" + escaped(short_help(flag.help)) + "]";
  if (flag.value != value_kind::none)
    specification += ":value:" + zsh_action(flag.value, flag.choices);
  return in_single_quotes(specification);
}

std::string zsh_arguments(const std::vector<flag_description>& flags, const std::string& indent) {
  std::string text;
  for (const auto& flag : flags)
    for (const auto& name : flag.names)
      text += " \\\n" + indent + zsh_flag(flag, name);
  return text;
}

}  // namespace

std::string zsh_completion(const command_tree& tree) {
  std::string text{zsh_begin};
  const std::string_view mark = "NAME_FILTER";
  text.replace(text.find(mark), mark.size(), name_filter);
  text += "_troupe_commands() {\n  local -a commands=(\n";
  for (const auto& command : tree.commands)
    text += "    " + in_single_quotes(command.name + ":" + escaped(short_help(command.help))) + "\n";
  text += "  )\n  _describe command commands\n}\n\n_troupe() {\n  local context state state_descr line\n";
  text += "  typeset -A opt_args\n  _arguments -C" + zsh_arguments(tree.flags, "    ");
  text += " \\\n    '1:command:_troupe_commands' \\\n    '*::argument:->arguments'\n";
  text += "  [[ $state == arguments ]] || return\n  case $words[1] in\n";
  for (const auto& command : tree.commands) {
    text += "    " + command.name + ")\n      _arguments" + zsh_arguments(command.flags, "        ");
    for (std::size_t i = 0; i < command.arguments.size(); ++i)
      text +=
          " \\\n        " + in_single_quotes(std::to_string(i + 1) + ":" + escaped(command.arguments[i].name) + ":" +
                                             zsh_action(command.arguments[i].value, command.arguments[i].choices));
    text += "\n      ;;\n";
  }
  // Autoloaded by compinit the file is the function's body; sourced, it defines the function and registers it.
  return text +
         "  esac\n}\n\nif [[ $funcstack[1] == _troupe ]]; then\n  _troupe \"$@\"\nelse\n  compdef _troupe troupe\nfi\n";
}

}  // namespace troupe::cli
