// The `troupe` program. What commands there are is declared in cli/command_line_app.
#include <exception>
#include <iostream>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "functions/native_host.hpp"

int main(int argc, char** argv) {
  // A worker, started again and again: nothing that commands need is made for it. Not in the help either: only nodes
  // start it.
  if (argc == 2 && std::string_view{argv[1]} == "native-host")
    return troupe::functions::run_native_host();
  try {
    return troupe::cli::run_command_line(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "troupe: " << problem.what() << "\n";
    return troupe::cli::exit_failed;
  }
}
