// `troupe serve`.
#include <algorithm>
#include <iostream>

#include "cli/command_line_app.hpp"
#include "config/settings.hpp"

namespace troupe::cli {

namespace {

int run_serve(command_line& line) {
  if (line.app.count("--admin") + line.app.count("--json") > 0) {
    std::cerr << "troupe: --admin and --json before `serve` belong to the commands that talk to a node; the address of "
                 "the admin port stands behind it: troupe serve --admin ADDRESS:PORT\n";
    return exit_usage;
  }
  return take_settings(line, line.node) ? serve(line.node) : exit_usage;
}

std::vector<std::string> choices_of(std::string_view key) {
  const auto* setting = find_setting(key);
  std::vector<std::string> choices;
  auto rest = setting == nullptr ? std::string_view{} : setting->rule.choices;
  while (!rest.empty()) {
    const auto bar = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, bar));
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return choices;
}

/// `KEY=`, for a shell to go on from.
std::vector<std::string> setting_keys() {
  std::vector<std::string> keys;
  for (const auto& setting : all_settings())
    keys.push_back(std::string{setting.key} + "=");
  return keys;
}

}  // namespace

void add_settings(command_line& line, CLI::App* command) {
  auto* set = add_repeated(command, "--set", line.settings,
                           "Any other setting; may be repeated (`troupe help settings` lists them)", "KEY=VALUE");
  line.hints[set] = {value_kind::choice, setting_keys()};
}

bool take_settings(const command_line& line, serve_options& to) {
  for (const auto& setting : line.settings) {
    const auto equals = setting.find('=');
    if (equals == setting.npos || equals == 0) {
      std::cerr << "troupe: --set '" << setting << "': expected is KEY=VALUE\n";
      return false;
    }
    to.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return true;
}

void declare_serve(command_line& line) {
  auto* command = line.app.add_subcommand("serve", "Run a node: the gateway for clients, and the admin port");
  auto& to = line.node;
  line.hints[add_optional(command, "--config", to.config, "YAML file with settings", "FILE")] = {value_kind::file, {}};
  add_repeated(command, "--http", to.http, "Address of the gateway; may be repeated (default: 0.0.0.0:8080)",
               "ADDRESS:PORT");
  add_optional(command, "--admin", to.admin, "Address of the admin port; loopback only (default: 127.0.0.1:9001)",
               "ADDRESS:PORT");
  auto* folder =
      add_optional(command, "--data-dir", to.data_dir,
                   "Where code and records are kept; made if it is not there (default: ./troupe-data)", "FOLDER");
  line.hints[folder] = {value_kind::folder, {}};
  add_optional(command, "--name", to.name, "Name of the node (default: the host's name and 4 characters)", "NAME");
  add_optional(command, "--loops", to.loops, "Event loops, each with a thread of its own (default: one per core)", "N");
  auto* native = add_optional(command, "--native", to.native,
                              "Where shared objects run: `process`, in a worker process each, or `in-process`, in the "
                              "node itself: fast, but a crash of one ends the node (default: process)",
                              "ISOLATION");
  line.hints[native] = {value_kind::choice, choices_of("native")};
  add_optional(command, "--cluster", to.cluster,
               "Address of this node for the others of its cluster (default: none, the node is alone)", "ADDRESS:PORT");
  add_repeated(command, "--join", to.join, "A node of the cluster to join; may be repeated", "ADDRESS:PORT");
  add_optional(command, "--advertise", to.advertise,
               "Address that other nodes dial, when it is not that of --cluster: NAT, relays, 0.0.0.0", "ADDRESS:PORT");
  command->add_flag("--insecure-cluster", to.insecure_cluster,
                    "Let a cluster without certificates leave loopback: whoever reaches its ports can run code");
  add_settings(line, command);
  command->footer(
      "Flags override the environment (TROUPE_<KEY>, dots as _), which overrides the file.\n"
      "The node runs until SIGTERM or SIGINT: it then finishes what runs and exits with 0; a second signal ends it at "
      "once. SIGHUP has it read its file again, as `troupe config reload`.\n"
      "Exit codes: 0 ended as told; 1 failed; 2 wrong usage, or a start that settings or the machine forbid; 70 ended "
      "by its watchdog, as native functions held its loops beyond their timeouts.\n\n"
      "Examples:\n"
      "  troupe serve\n"
      "  troupe serve --http 127.0.0.1:8080 --data-dir /var/lib/troupe --native in-process\n"
      "  troupe serve --config troupe.yaml --set drain.timeout=10s\n");
  command->callback([&line] { line.run = [&line] { return run_serve(line); }; });
}

}  // namespace troupe::cli
