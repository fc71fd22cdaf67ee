// The `troupe` program. What commands there are is declared in cli/command_line_app.
#include <exception>
#include <iostream>

#include "cli/command_line.hpp"
#include "cli/commands.hpp"

int main(int argc, char** argv) {
  try {
    return troupe::cli::run_command_line(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "troupe: " << problem.what() << "\n";
    return troupe::cli::exit_failed;
  }
}
