// The commands that talk to a node.
#include "cli/command_line_app.hpp"

namespace troupe::cli {

namespace {

void add_function_name(command_line& line, CLI::App* command, std::string& target) {
  auto* name = command->add_option("NAME", target, "Name of the function")->required()->option_text("");
  line.hints[name] = {value_kind::function, {}};
}

void add_code_flags(command_line& line, CLI::App* command) {
  auto& to = line.deployment;
  add_optional(command, "--name", to.name, "Name of the function (default: the name of the folder or file)", "NAME");
  auto* runtime = add_optional(command, "--runtime", to.runtime,
                               "native, nodejs or python3, the latter two also with a version as on Lambda "
                               "(default: told by the code)",
                               "RUNTIME");
  line.hints[runtime] = {value_kind::choice, {"native", "nodejs", "python3"}};
  add_optional(
      command, "--handler", to.handler,
      "What to call: FILE.EXPORT or MODULE.FUNCTION (default: found in the code, as `troupe help runtimes` says)",
      "HANDLER");
  add_repeated(command, "--route", to.routes,
               "Route key, such as 'GET /pets/{id}' or '$default'; may be repeated (default: ANY /NAME and below)",
               "KEY");
  command->add_flag("--no-route", to.no_route, "No route at all");
  add_repeated(command, "--env", to.environment, "Environment variable; may be repeated", "NAME=VALUE");
}

void add_limit_flags(CLI::App* command, deploy_options& to) {
  const auto add_number = [&](const char* flag, std::optional<std::uint32_t>& target, int least, int most,
                              const std::string& help, const char* placeholder) {
    add_optional(command, flag, target, help, placeholder)->check(CLI::Range(least, most).description(""));
  };
  add_optional(command, "--timeout-s", to.timeout_s, "Seconds that one call may take, 0.001 to 900 (default: 3)",
               "SECONDS")
      ->check(CLI::Range(0.001, 900.0).description(""));
  add_number("--concurrency", to.concurrency, 1, 1000, "Calls at a time per instance, 1 to 1000 (default: 1)", "N");
  add_number("--memory-mb", to.memory_mb, 128, 10240, "Memory of one instance in MB, 128 to 10240 (default: 128)",
             "MB");
  add_number("--min-instances", to.min_instances, 0, 1000,
             "Instances that are kept without calls, 0 to 1000 (default: 0)", "N");
  add_number("--max-instances", to.max_instances, 0, 1000,
             "Instances at a time, 0 to 1000; 0 is as many as memory allows (default: 0)", "N");
  command->add_flag("--idempotent", to.idempotent,
                    "A call may run twice: in a cluster, when the node that ran it dies, another one runs it again");
}

}  // namespace

void declare_deploy(command_line& line) {
  auto* command = add_client_command(
      line, "deploy", "Deploy a folder, a zip archive, a Python module or a shared object; an existing name is updated",
      "troupe deploy examples/hello --route 'GET /hello/{name}'\n"
      "  troupe deploy app.py --name shop --memory-mb 256 --min-instances 1 --max-instances 4\n"
      "  troupe deploy build/resize.so --name resize --concurrency 16\n"
      "  troupe deploy . --env STAGE=test --timeout-s 10\n\n"
      "Packages are not installed by the node: neither what package.json nor what requirements.txt names. Put them\n"
      "into the folder first (npm install; pip install -r requirements.txt -t FOLDER).\n"
      "`troupe help runtimes` says what a handler looks like, `troupe help routes` what a route key is.");
  auto* path = command
                   ->add_option("PATH", line.deployment.path,
                                "The code: a folder, a .zip archive, a .py module, or a .so shared object")
                   ->required()
                   ->option_text("");
  line.hints[path] = {value_kind::file, {}};
  add_code_flags(line, command);
  add_limit_flags(command, line.deployment);
  command->callback([&line] { line.run = [&line] { return deploy(line.client, line.deployment); }; });
}

void declare_client_commands(command_line& line) {
  auto* called = add_client_command(line, "invoke", "Run a function once and print what it answers",
                                    "troupe invoke hello\n"
                                    "  troupe invoke hello --payload '{\"name\":\"ada\"}'\n"
                                    "  troupe invoke hello --payload @event.json --log-tail\n"
                                    "  jq -n '{a:1}' | troupe invoke hello --payload -\n\n"
                                    "The answer goes to standard output. When the function fails, its error does, and "
                                    "the exit code is 1.");
  add_function_name(line, called, line.invocation.function);
  auto* payload = add_optional(called, "--payload", line.invocation.payload,
                               "The event, at most 6 MB: JSON, @FILE, or - for standard input (default: {})", "JSON");
  line.hints[payload] = {value_kind::at_file, {}};
  called->add_flag("--log-tail", line.invocation.log_tail, "Print the end of the call's log on standard error");
  called->callback([&line] { line.run = [&line] { return invoke(line.client, line.invocation); }; });

  auto* printed = add_client_command(line, "logs", "Print what a function's handler wrote",
                                     "troupe logs hello\n"
                                     "  troupe logs hello -f --with-node\n\n"
                                     "In a cluster the lines of all nodes come by time, whichever node is asked.");
  add_function_name(line, printed, line.log.function);
  printed->add_flag(
      "-f,--follow", line.follow,
      "Go on with what comes until Ctrl-C, also over a restart of the node; with --json an object a line");
  printed->add_flag("--with-node", line.log.with_node, "Begin each line with the name of the node that it is from");
  printed->callback([&line] {
    line.log.mode = line.follow ? log_mode::follow : log_mode::kept;
    line.run = [&line] { return logs(line.client, line.log); };
  });

  add_client_command(line, "list", "List the deployed functions",
                     "troupe list\n"
                     "  troupe list | cut -f1        # tabs between the cells when it is no terminal")
      ->callback([&line] { line.run = [&line] { return list(line.client); }; });
  add_client_command(line, "routes", "List the routes of the gateway", "troupe routes --json")->callback([&line] {
    line.run = [&line] { return routes(line.client); };
  });
  auto* gone = add_client_command(line, "remove", "Remove a function and its routes", "troupe remove hello");
  add_function_name(line, gone, line.function);
  gone->callback([&line] { line.run = [&line] { return remove(line.client, line.function); }; });
}

}  // namespace troupe::cli
