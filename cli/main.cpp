// The `troupe` program: its subcommands and their flags. The only file that knows CLI11.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/serve.hpp"
#include "functions/native_host.hpp"

namespace {

using namespace troupe::cli;

constexpr const char* default_admin = "http://127.0.0.1:9001";

std::string admin_from_environment() {
  const char* url = std::getenv("TROUPE_ADMIN");
  return url != nullptr && *url != '\0' ? url : default_admin;
}

/// What was parsed, and which command it was.
struct command_line {
  client_options client;
  deploy_options deployment;
  serve_options node;
  std::vector<std::string> settings;
  std::string function;
  std::function<int()> run;
};

template <class Value>
CLI::Option* add_optional(CLI::App* command, const std::string& flag, std::optional<Value>& target,
                          const std::string& help, const std::string& placeholder) {
  return command
      ->add_option_function<Value>(
          flag, [&target](const Value& value) { target = value; }, help)
      ->type_name(placeholder);
}

/// One value each time the flag is given, so that a positional argument may follow it.
CLI::Option* add_repeated(CLI::App* command, const std::string& flag, std::vector<std::string>& target,
                          const std::string& help, const std::string& placeholder) {
  return command->add_option(flag, target, help)
      ->type_name(placeholder)
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
}

CLI::App* add_client_command(CLI::App& app, const std::string& name, const std::string& help,
                             const std::string& example) {
  auto* command = app.add_subcommand(name, help);
  command->fallthrough();  // --admin and --json may stand behind the command
  command->footer("Example:\n  " + example + "\n");
  return command;
}

void add_deploy(CLI::App& app, command_line& line) {
  auto* command = add_client_command(app, "deploy",
                                     "Deploy a folder, a zip archive or a shared object; an existing name is updated",
                                     "troupe deploy examples/hello --route 'GET /hello/{name}'\n"
                                     "  troupe deploy build/resize.so --name resize --concurrency 16\n"
                                     "  troupe deploy . --env STAGE=test --timeout-s 10");
  auto& to = line.deployment;
  command->add_option("PATH", to.path, "The code: a folder, a .zip archive, or a .so shared object")
      ->required()
      ->option_text("");
  add_optional(command, "--name", to.name, "Name of the function (default: the name of the folder or file)", "NAME");
  add_optional(command, "--runtime", to.runtime, "native or nodejs (default: told by the code)", "RUNTIME");
  add_optional(command, "--handler", to.handler,
               "What to call: FILE.EXPORT (default: `main` of package.json, or index, and its export `handler`)",
               "HANDLER");
  add_repeated(command, "--route", to.routes,
               "Route key, such as 'GET /pets/{id}' or '$default'; may be repeated (default: ANY /NAME and below)",
               "KEY");
  command->add_flag("--no-route", to.no_route, "No route at all");
  add_repeated(command, "--env", to.environment, "Environment variable; may be repeated", "NAME=VALUE");
  add_optional(command, "--timeout-s", to.timeout_s, "Seconds that one call may take, 0.001 to 900 (default: 3)",
               "SECONDS")
      ->check(CLI::Range(0.001, 900.0).description(""));
  add_optional(command, "--concurrency", to.concurrency, "Calls at a time per instance, 1 to 1000 (default: 1)", "N")
      ->check(CLI::Range(1, 1000).description(""));
  add_optional(command, "--memory-mb", to.memory_mb, "Memory of one instance in MB, 128 to 10240 (default: 128)", "MB")
      ->check(CLI::Range(128, 10240).description(""));
  command->callback([&line] { line.run = [&line] { return deploy(line.client, line.deployment); }; });
}

void add_views(CLI::App& app, command_line& line) {
  add_client_command(app, "list", "List the deployed functions", "troupe list")->callback([&line] {
    line.run = [&line] { return list(line.client); };
  });
  add_client_command(app, "routes", "List the routes of the gateway", "troupe routes --json")->callback([&line] {
    line.run = [&line] { return routes(line.client); };
  });
  auto* gone = add_client_command(app, "remove", "Remove a function and its routes", "troupe remove hello");
  gone->add_option("NAME", line.function, "Name of the function")->required()->option_text("");
  gone->callback([&line] { line.run = [&line] { return remove(line.client, line.function); }; });
  auto* printed = add_client_command(app, "logs", "Print what a function's handler wrote", "troupe logs hello");
  printed->add_option("NAME", line.function, "Name of the function")->required()->option_text("");
  printed->callback([&line] { line.run = [&line] { return logs(line.client, line.function); }; });
}

int run_serve(const CLI::App& app, command_line& line) {
  if (app.count("--admin") + app.count("--json") > 0) {
    std::cerr << "troupe: --admin and --json before `serve` belong to the commands that talk to a node; the address of "
                 "the admin port stands behind it: troupe serve --admin ADDRESS:PORT\n";
    return exit_usage;
  }
  for (const auto& setting : line.settings) {
    const auto equals = setting.find('=');
    if (equals == setting.npos || equals == 0) {
      std::cerr << "troupe: --set '" << setting << "': expected is KEY=VALUE\n";
      return exit_usage;
    }
    line.node.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return serve(line.node);
}

void add_serve(CLI::App& app, command_line& line) {
  auto* command = app.add_subcommand("serve", "Run a node: the gateway for clients, and the admin port");
  auto& to = line.node;
  add_optional(command, "--config", to.config, "YAML file with settings", "FILE");
  add_repeated(command, "--http", to.http, "Address of the gateway; may be repeated (default: 0.0.0.0:8080)",
               "ADDRESS:PORT");
  add_optional(command, "--admin", to.admin, "Address of the admin port; loopback only (default: 127.0.0.1:9001)",
               "ADDRESS:PORT");
  add_optional(command, "--data-dir", to.data_dir,
               "Where code and records are kept; made if it is not there (default: ./troupe-data)", "FOLDER");
  add_optional(command, "--name", to.name, "Name of the node (default: the host's name and 4 characters)", "NAME");
  add_optional(command, "--loops", to.loops, "Event loops, each with a thread of its own (default: one per core)", "N");
  add_optional(command, "--native", to.native,
               "`in-process` loads shared objects into the node itself: fast, but a crash of one ends the node",
               "ISOLATION");
  add_repeated(command, "--set", line.settings, "Any other setting; may be repeated", "KEY=VALUE");
  command->footer(
      "Flags override the environment (TROUPE_<KEY>, dots as _), which overrides the file.\n"
      "The node runs until SIGTERM or SIGINT: it then finishes what runs and exits with 0; a second signal ends it at "
      "once.\n"
      "Exit codes: 0 ended as told; 1 failed; 2 wrong usage, or a start that settings or the machine forbid.\n\n"
      "Examples:\n"
      "  troupe serve\n"
      "  troupe serve --http 127.0.0.1:8080 --data-dir /var/lib/troupe --native in-process\n"
      "  troupe serve --config troupe.yaml --set drain.timeout=10s\n");
  command->callback([&app, &line] { line.run = [&app, &line] { return run_serve(app, line); }; });
}

std::string explain(const CLI::App* app, const CLI::Error& problem) {
  const auto unknown = app->remaining();
  const bool no_command = app->get_subcommands().empty();
  if (no_command && !unknown.empty())
    return "troupe: there is no command '" + unknown.front() + "'; `troupe --help` lists them\n";
  const auto command = no_command ? std::string{} : " " + app->get_subcommands().front()->get_name();
  return "troupe: " + std::string{problem.what()} + "; see `troupe" + command + " --help`\n";
}

}  // namespace

int main(int argc, char** argv) {
  // A worker, started again and again: nothing that commands need is made for it. Not in the help either: only nodes
  // start it.
  if (argc == 2 && std::string_view{argv[1]} == "native-host")
    return troupe::functions::run_native_host();
  try {
    CLI::App app{"troupe: a serverless gateway. `serve` runs a node; the other commands talk to one.", "troupe"};
    command_line line;
    line.client.admin = admin_from_environment();
    app.set_version_flag("--version", "troupe " TROUPE_VERSION);
    app.add_option("--admin", line.client.admin,
                   "URL of the node's admin port (default: TROUPE_ADMIN, or " + std::string{default_admin} + ")")
        ->type_name("URL");
    app.add_flag("--json", line.client.json, "Print JSON, for machines");
    app.require_subcommand(1);
    app.footer(
        "Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n`troupe COMMAND --help` has an example of each.\n");
    add_serve(app, line);
    add_deploy(app, line);
    add_views(app, line);
    app.failure_message(explain);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
      return app.exit(problem) == 0 ? exit_done : exit_usage;
    }
    return line.run();
  } catch (const std::exception& problem) {
    std::cerr << "troupe: " << problem.what() << "\n";
    return exit_failed;
  }
}
