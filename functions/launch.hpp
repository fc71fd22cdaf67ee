// Which process runs a function: program, arguments and environment, and whether a generic worker that waits already
// will do. Decisions only; functions/spawner starts it.
#pragma once

#include <string>
#include <vector>

#include "config/errc.hpp"
#include "functions/function_spec.hpp"
#include "functions/worker_payload.hpp"

namespace troupe::functions {

/// What this machine has to run workers with: absolute paths, empty for what is not installed.
struct runtime_programs {
  std::string path;  ///< as in $PATH: where interpreters of a certain version are looked for
  std::string node;
  std::string python;       ///< `python3`
  std::string native_host;  ///< the troupe program: `troupe native-host` runs shared objects
  std::string node_shim;    ///< files with the workers' own code
  std::string python_shim;
};

struct launch {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  /// Workers of one class are alike until they load their code. Empty: this function needs a process of its own,
  /// because its environment says something that only counts when a process starts.
  std::string stem_class;
};

/// @param around  `log_stream` is fixed here, also for a generic worker; `task_root` is not looked at.
/// @returns `errc::init_failed` when the runtime is not installed.
expected<launch> launch_of(const function_spec& spec, const runtime_programs& programs,
                           const worker_surroundings& around);

/// What functions of this runtime are started with; empty when it is not installed.
std::string program_of(const function_spec& spec, const runtime_programs& programs);

/// Whether functions of this runtime can run here. @returns `errc::bad_usage` saying what is missing.
expected<void> check_installed(const function_spec& spec, const runtime_programs& programs);

}  // namespace troupe::functions
