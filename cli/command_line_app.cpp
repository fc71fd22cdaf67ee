#include "cli/command_line_app.hpp"

#include <cstdlib>

#include "cli/topics.hpp"

namespace troupe::cli {

namespace {

constexpr const char* default_admin = "http://127.0.0.1:9001";

std::string admin_from_environment() {
  const char* url = std::getenv("TROUPE_ADMIN");
  return url != nullptr && *url != '\0' ? url : default_admin;
}

flag_description describe_flag(const command_line& line, const CLI::Option& option) {
  flag_description flag;
  for (const auto& name : option.get_snames())
    flag.names.push_back("-" + name);
  for (const auto& name : option.get_lnames())
    flag.names.push_back("--" + name);
  flag.help = option.get_description();
  if (option.get_items_expected_max() == 0)
    return flag;
  const auto hint = line.hints.find(&option);
  flag.value = hint == line.hints.end() ? value_kind::text : hint->second.value;
  if (hint != line.hints.end())
    flag.choices = hint->second.choices;
  flag.placeholder = option.get_type_name();
  return flag;
}

argument_description describe_argument(const command_line& line, const CLI::Option& option) {
  const auto hint = line.hints.find(&option);
  const auto known = hint == line.hints.end() ? completion_hint{} : hint->second;
  return {option.get_name(true), option.get_description(), known.value, known.choices};
}

}  // namespace

command_line::command_line()
    : app{"troupe: a serverless gateway. `serve` runs a node; the other commands talk to one.", "troupe"} {
  client.admin = admin_from_environment();
  app.set_version_flag("--version", "troupe " TROUPE_VERSION);
  app.add_option("--admin", client.admin,
                 "URL of the node's admin port (default: TROUPE_ADMIN, or " + std::string{default_admin} + ")")
      ->type_name("URL");
  app.add_flag("--json", client.json, "Print JSON, for machines");
  app.require_subcommand(1);
  std::string topics;
  for (const auto& topic : all_topics())
    topics.append(topics.empty() ? "" : ", ").append(topic.name);
  app.footer(
      "Exit codes: 0 done, 1 refused or failed, 2 wrong usage; 70 a node that its watchdog ended.\n`troupe COMMAND "
      "--help` has an example of each; "
      "`troupe help TOPIC` explains: " +
      topics + ".\n");
  declare_serve(*this);
  declare_deploy(*this);
  declare_client_commands(*this);
  declare_cluster_commands(*this);
  declare_config(*this);
  declare_help_commands(*this);
}

CLI::App* add_client_command(command_line& line, const std::string& name, const std::string& help,
                             const std::string& examples) {
  auto* command = line.app.add_subcommand(name, help);
  command->fallthrough();  // --admin and --json may stand behind the command
  const bool several = examples.find('\n') != examples.npos;
  command->footer((several ? "Examples:\n  " : "Example:\n  ") + examples +
                  "\n\nAs with every command that talks to a node, --admin URL says which, and --json prints JSON.\n");
  return command;
}

command_tree tree_of(const command_line& line) {
  command_tree tree;
  const auto flags_of = [&](const CLI::App& app) {
    std::vector<flag_description> flags;
    for (const auto* option : app.get_options())
      if (option->nonpositional())
        flags.push_back(describe_flag(line, *option));
    return flags;
  };
  tree.flags = flags_of(line.app);
  for (const auto* app : line.app.get_subcommands([](const CLI::App*) { return true; })) {
    command_description command{app->get_name(), app->get_description(), flags_of(*app), {}, app->get_footer()};
    for (const auto* option : app->get_options())
      if (!option->nonpositional())
        command.arguments.push_back(describe_argument(line, *option));
    if (app->get_fallthrough())
      for (const auto& flag : tree.flags)
        if (flag.names.back() == "--admin" || flag.names.back() == "--json")
          command.flags.push_back(flag);
    tree.commands.push_back(std::move(command));
  }
  return tree;
}

std::string program_help(const command_line& line) {
  return line.app.get_formatter()->make_help(&line.app, line.app.get_name(), CLI::AppFormatMode::Normal);
}

}  // namespace troupe::cli
