// `troupe config`.
#include "cli/command_line_app.hpp"

namespace troupe::cli {

void declare_config(command_line& line) {
  auto* command = add_client_command(
      line, "config",
      "Check a settings file (check), show what a node runs with (show), or have it read its file again (reload)",
      "troupe config check troupe.yaml\n"
      "  troupe config show                                  # of the running node\n"
      "  troupe config show --config troupe.yaml --set loops=2   # of one that would be started so\n"
      "  troupe config reload\n\n"
      "check names everything that is wrong in the file, a line each, and exits with 2 then; the environment does not\n"
      "count, --set does. show asks the node, unless --config or --set is given.\n"
      "reload, as SIGHUP, checks the file that the node was started with first: when anything in it is wrong, nothing "
      "is\n"
      "changed and the exit code is 1. What needs a restart is named and stays as it is.\n"
      "`troupe help settings` lists all settings.");
  auto& to = line.configuring;
  const std::vector<std::string> actions{"check", "show", "reload"};
  auto* action = command->add_option("ACTION", to.action, "check, show or reload")
                     ->required()
                     ->option_text("")
                     ->check(CLI::IsMember(actions).description(""));
  line.hints[action] = {value_kind::choice, actions};
  auto* file = command
                   ->add_option_function<std::string>(
                       "FILE", [&to](const std::string& path) { to.file = path; }, "The settings file, for check")
                   ->option_text("");
  line.hints[file] = {value_kind::file, {}};
  line.hints[add_optional(command, "--config", to.node.config, "YAML file of a node that would be started, for show",
                          "FILE")] = {value_kind::file, {}};
  add_settings(line, command);
  command->callback([&line] {
    line.run = [&line] {
      return take_settings(line, line.configuring.node) ? config(line.client, line.configuring) : exit_usage;
    };
  });
}

}  // namespace troupe::cli
