// The commands about a cluster and its nodes.
#include "cli/command_line_app.hpp"

namespace troupe::cli {

namespace {

constexpr std::uint32_t max_days = 36'500;

void declare_certs(command_line& line) {
  auto* command = line.app.add_subcommand(
      "certs", "Make a cluster's authority (init), and a certificate for each of its nodes (issue)");
  auto& to = line.certificates;
  auto* action = command->add_option("ACTION", to.action, "init or issue")
                     ->required()
                     ->option_text("")
                     ->check(CLI::IsMember({"init", "issue"}).description(""));
  line.hints[action] = {value_kind::choice, {"init", "issue"}};
  command
      ->add_option_function<std::string>(
          "NODE", [&to](const std::string& name) { to.node = name; }, "Name of the node, for issue")
      ->option_text("");
  auto* folder =
      command->add_option("--dir", to.dir, "Where the files are (default: ./troupe-certs)")->type_name("FOLDER");
  line.hints[folder] = {value_kind::folder, {}};
  add_optional(command, "--name", to.name, "Name of the cluster, for init (default: troupe)", "NAME");
  add_repeated(
      command, "--address", to.addresses,
      "IP address or host name of the node, for issue; may be repeated. A host name counts like the node's own",
      "HOST");
  add_optional(command, "--days", to.days,
               "How long it counts (default: 3650 for the authority, 825 for a node; at most as long as the authority)",
               "N")
      ->check(CLI::Range(std::uint32_t{1}, max_days).description(""));
  command->add_flag("--json", line.client.json, "Print JSON, for machines");
  command->footer(
      "Examples:\n"
      "  troupe certs init --name shop              # once: authority.pem and authority-key.pem\n"
      "  troupe certs issue node-1 --address 10.0.0.1\n\n"
      "Each node gets authority.pem, NODE.pem and NODE-key.pem, and nobody else the keys. authority-key.pem belongs on "
      "no "
      "node:\n"
      "who has it makes members. Files that are there already are never overwritten.\n");
  command->callback([&line] { line.run = [&line] { return certs(line.client, line.certificates); }; });
}

}  // namespace

void declare_cluster_commands(command_line& line) {
  declare_certs(line);
}

}  // namespace troupe::cli
