// The declarations of all commands, for CLI11. Only cli/command_line* include this.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_tree.hpp"
#include "cli/commands.hpp"
#include "cli/configuring.hpp"
#include "cli/restoring.hpp"
#include "cli/serve.hpp"

namespace troupe::cli {

/// What a shell can complete for one option.
struct completion_hint {
  value_kind value = value_kind::text;
  std::vector<std::string> choices;
};

/// What was parsed, and which command it was. Stays where it is: the declarations point into it.
struct command_line {
  command_line();
  command_line(const command_line&) = delete;
  command_line& operator=(const command_line&) = delete;

  CLI::App app;
  client_options client;
  deploy_options deployment;
  invoke_options invocation;
  logs_options log;
  certs_options certificates;
  nodes_options node_list;
  std::string store_action;
  std::string store_target;  ///< name of a node
  std::string backup_file;
  restore_options restoring;
  config_options configuring;
  serve_options node;
  std::vector<std::string> settings;
  std::string function;
  bool follow = false;
  std::string shell;
  std::string subject;  ///< of `help`
  std::function<int()> run;
  std::map<const CLI::Option*, completion_hint> hints;
};

/// A command that talks to a node: --admin and --json may stand behind it.
CLI::App* add_client_command(command_line& line, const std::string& name, const std::string& help,
                             const std::string& examples);

/// `--set KEY=VALUE` of a command that reads a node's settings.
void add_settings(command_line& line, CLI::App* command);
/// Takes them apart into `to`. @returns whether all of them are `KEY=VALUE`; says on stderr which is not.
bool take_settings(const command_line& line, serve_options& to);

void declare_serve(command_line& line);
void declare_deploy(command_line& line);
void declare_client_commands(command_line& line);   ///< all others that talk to a node
void declare_cluster_commands(command_line& line);  ///< `nodes`, `events`, `store`, `backup`, `restore` and `certs`
void declare_config(command_line& line);
void declare_help_commands(command_line& line);  ///< `completion` and `help`

command_tree tree_of(const command_line& line);
/// The help of the program itself, whatever command was given.
std::string program_help(const command_line& line);

template <class Value>
CLI::Option* add_optional(CLI::App* command, const std::string& flag, std::optional<Value>& target,
                          const std::string& help, const std::string& placeholder) {
  return command
      ->add_option_function<Value>(
          flag, [&target](const Value& value) { target = value; }, help)
      ->type_name(placeholder);
}

/// One value each time the flag is given, so that a positional argument may follow it.
inline CLI::Option* add_repeated(CLI::App* command, const std::string& flag, std::vector<std::string>& target,
                                 const std::string& help, const std::string& placeholder) {
  return command->add_option(flag, target, help)
      ->type_name(placeholder)
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
}

}  // namespace troupe::cli
