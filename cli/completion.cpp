#include "cli/completion.hpp"

#include <algorithm>

namespace troupe::cli {

namespace {

// `current` and `count` come from the caller: bash's locals are visible below.
constexpr std::string_view bash_functions = R"bash(
_troupe_words() {
  mapfile -t COMPREPLY < <(compgen -W "$*" -- "$current")
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}

_troupe_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$@" -- "$current")
}

_troupe_at_files() {
  # Where @ is a word break of bash, the word begins behind it.
  if [[ $current == @* ]]; then
    current=${current#@}
    _troupe_files -f
    COMPREPLY=("${COMPREPLY[@]/#/@}")
  elif [[ $broken == @ ]]; then
    _troupe_files -f
  else
    _troupe_words @ -
    compopt -o nospace 2>/dev/null
  fi
}

_troupe_names() {
  local pattern='--admin[= ]+([^ ]+)' admin=()
  if [[ $COMP_LINE =~ $pattern ]]; then
    admin=(--admin "${BASH_REMATCH[1]}")
  fi
  _troupe_words "$("${COMP_WORDS[0]/#\~/$HOME}" list --json "${admin[@]}" 2>/dev/null | NAME_FILTER)"
}

_troupe() {
  local current=${COMP_WORDS[COMP_CWORD]} broken= command= count=0 skip= word i at=$((COMP_CWORD - 1))
  # bash breaks words at these characters and hands them over as words of their own.
  if [[ $current == [=@] ]]; then
    broken=$current
    current=
  fi
  while ((at > 0)) && [[ ${COMP_WORDS[at]} == [=@] ]]; do
    broken=${COMP_WORDS[at]}
    ((--at))
  done
  local previous=${COMP_WORDS[at]}
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == [=:@]* ]]; then
      skip=1
    elif [[ $skip ]]; then
      skip=
    elif [[ $word == -* ]]; then
      case $command:$word in
        VALUE_FLAGS) skip=1 ;;
      esac
    elif [[ ! $command ]]; then
      command=$word
    else
      ((++count))
    fi
  done
)bash";

void replace(std::string& text, std::string_view mark, std::string_view by) {
  const auto at = text.find(mark);
  if (at != text.npos)
    text.replace(at, mark.size(), by);
}

/// `deploy:--name|deploy:--env`, of one flag.
std::string patterns_of(std::string_view command, const flag_description& flag) {
  std::vector<std::string> patterns;
  for (const auto& name : flag.names)
    patterns.push_back(std::string{command} + ":" + name);
  return joined(patterns, "|");
}

std::string bash_action(value_kind kind, const std::vector<std::string>& choices) {
  switch (kind) {
    case value_kind::none:
    case value_kind::text: return "COMPREPLY=()";
    case value_kind::choice: return "_troupe_words " + joined(choices);
    case value_kind::file: return "_troupe_files -f";
    case value_kind::folder: return "_troupe_files -d";
    case value_kind::at_file: return "_troupe_at_files";
    case value_kind::function: return "_troupe_names";
  }
  return "COMPREPLY=()";
}

std::string bash_flags(const std::vector<flag_description>& flags) {
  std::vector<std::string> names;
  for (const auto& flag : flags)
    names.insert(names.end(), flag.names.begin(), flag.names.end());
  return joined(names);
}

}  // namespace

std::string in_single_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text)
    quoted += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
  return quoted + "'";
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words)
    text.append(text.empty() ? "" : between).append(word);
  return text;
}

std::string short_help(std::string_view help) {
  auto end = std::min({help.find(';'), help.find(" ("), help.find(": "), help.size()});
  return std::string{help.substr(0, end)};
}

std::string bash_completion(const command_tree& tree) {
  std::vector<std::string> value_flags;
  std::string values;
  std::string flags = "      '') _troupe_words " + bash_flags(tree.flags) + " ;;\n";
  std::string arguments;
  std::vector<std::string> names;
  const auto add_flags = [&](std::string_view command, const std::vector<flag_description>& known) {
    for (const auto& flag : known)
      if (flag.value != value_kind::none) {
        value_flags.push_back(patterns_of(command, flag));
        values += "    " + value_flags.back() + ") " + bash_action(flag.value, flag.choices) + "; return ;;\n";
      }
  };
  add_flags("", tree.flags);
  for (const auto& command : tree.commands) {
    names.push_back(command.name);
    add_flags(command.name, command.flags);
    flags += "      " + command.name + ") _troupe_words " + bash_flags(command.flags) + " ;;\n";
    for (std::size_t i = 0; i < command.arguments.size(); ++i)
      arguments += "    " + command.name + ":" + std::to_string(i) + ") " +
                   bash_action(command.arguments[i].value, command.arguments[i].choices) + " ;;\n";
  }
  std::string functions{bash_functions};
  replace(functions, "VALUE_FLAGS", joined(value_flags, "|"));
  replace(functions, "NAME_FILTER", name_filter);
  return "# Completes troupe's commands in bash: source <(troupe completion bash)" + functions +
         "  COMPREPLY=()\n  case $command:$previous in\n" + values + "  esac\n" +
         "  if [[ $current == -* ]]; then\n    case $command in\n" + flags + "    esac\n    return\n  fi\n" +
         "  case $command:$count in\n    :*) _troupe_words " + joined(names) + " ;;\n" + arguments +
         "  esac\n}\n\ncomplete -F _troupe troupe\n";
}

std::vector<std::string> completion_shells() {
  return {"bash", "zsh", "fish"};
}

expected<std::string> completion_script(std::string_view shell, const command_tree& tree) {
  if (shell == "bash")
    return bash_completion(tree);
  if (shell == "zsh")
    return zsh_completion(tree);
  if (shell == "fish")
    return fish_completion(tree);
  return fail(errc::bad_usage, "there is no completion for '" + std::string{shell} + "', only for bash, zsh and fish");
}

}  // namespace troupe::cli
