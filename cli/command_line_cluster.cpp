// The commands about a cluster and its nodes.
#include "cli/command_line_app.hpp"

namespace troupe::cli {

namespace {

constexpr std::uint32_t max_days = 36'500;

void declare_nodes(command_line& line) {
  auto* command =
      add_client_command(line, "nodes", "List the nodes of the cluster, or remove one that is gone for good",
                         "troupe nodes\n"
                         "  troupe nodes remove node-3       # only when it is gone: it is not asked");
  auto& to = line.node_list;
  auto* action = command->add_option("ACTION", to.action, "remove; without one the nodes are listed")
                     ->option_text("")
                     ->check(CLI::IsMember({"remove"}).description(""));
  line.hints[action] = {value_kind::choice, {"remove"}};
  command
      ->add_option_function<std::string>(
          "NODE", [&to](const std::string& name) { to.node = name; }, "Name of the node, for remove")
      ->option_text("");
  command->callback([&line] { line.run = [&line] { return nodes(line.client, line.node_list); }; });
}

void declare_events(command_line& line) {
  auto* command = add_client_command(line, "events", "Print what happened to the nodes of the cluster",
                                     "troupe events\n"
                                     "  troupe events -f");
  command->add_flag(
      "-f,--follow", line.follow,
      "Go on with what comes until Ctrl-C, also over a restart of the node; with --json an object a line");
  command->callback(
      [&line] { line.run = [&line] { return events(line.client, line.follow ? log_mode::follow : log_mode::kept); }; });
}

void declare_store(command_line& line) {
  auto* command = add_client_command(line, "store", "Move the store of the cluster to another node (move)",
                                     "troupe store move --to node-2");
  auto* action = command->add_option("ACTION", line.store_action, "move")
                     ->required()
                     ->option_text("")
                     ->check(CLI::IsMember({"move"}).description(""));
  line.hints[action] = {value_kind::choice, {"move"}};
  command->add_option("--to", line.store_target, "Node that has it afterwards")->required()->type_name("NODE");
  command->callback([&line] { line.run = [&line] { return move_store(line.client, line.store_target); }; });
}

void declare_backup(command_line& line) {
  auto* command =
      add_client_command(line, "backup", "Write what is deployed to a new file",
                         "troupe backup deployments-$(date +%F).ndjson\n\n"
                         "Functions and routes with all their settings, environment included: a secret. Code is "
                         "not in it, only its digests.");
  auto* file = command->add_option("FILE", line.backup_file, "The file; never one that is there already")
                   ->required()
                   ->option_text("");
  line.hints[file] = {value_kind::file, {}};
  command->callback([&line] { line.run = [&line] { return backup(line.client, line.backup_file); }; });
}

void declare_restore(command_line& line) {
  auto* command =
      line.app.add_subcommand("restore", "Make a new store of a node that does not run, of a backup or of its copy");
  auto& to = line.restoring;
  auto* file = command
                   ->add_option_function<std::string>(
                       "FILE", [&to](const std::string& path) { to.file = path; }, "A backup")
                   ->option_text("");
  line.hints[file] = {value_kind::file, {}};
  command->add_flag("--from-copy", to.from_copy,
                    "Take the copy in the data directory, when the disk of the primary is lost");
  command->add_flag("--old-primary-stopped", to.old_primary_stopped,
                    "The primary so far, another node, is stopped and will not be started with its old data directory");
  command->add_flag("--discard-newer", to.discard_newer,
                    "With --from-copy: lose the commits that only the copies of other nodes have");
  add_repeated(command, "--without", to.without,
               "Address of a node that is not asked, as it is gone and somebody else is there; may be repeated",
               "HOST:PORT");
  line.hints[add_optional(command, "--config", to.node.config, "YAML file with the node's settings", "FILE")] = {
      value_kind::file, {}};
  auto* folder = add_optional(command, "--data-dir", to.node.data_dir,
                              "The node's data directory (default: ./troupe-data)", "FOLDER");
  line.hints[folder] = {value_kind::folder, {}};
  add_settings(line, command);
  command->add_flag("--json", line.client.json, "Print JSON, for machines");
  command->footer(
      "Settings come from where `troupe serve` takes them: the data directory, and the certificates with which the "
      "other\n"
      "nodes are asked what they know. The node is the primary when it starts again; the others follow by themselves. "
      "The\n"
      "old store is kept beside the new one. `troupe help cluster` tells when to use which.\n\n"
      "Examples:\n"
      "  troupe restore --from-copy --old-primary-stopped --config /etc/troupe/troupe.yaml\n"
      "  troupe restore deployments-2026-11-26.ndjson --config /etc/troupe/troupe.yaml\n");
  command->callback([&line] {
    line.run = [&line] {
      return take_settings(line, line.restoring.node) ? restore(line.client, line.restoring) : exit_usage;
    };
  });
}

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
  declare_nodes(line);
  declare_events(line);
  declare_store(line);
  declare_backup(line);
  declare_restore(line);
  declare_certs(line);
}

}  // namespace troupe::cli
