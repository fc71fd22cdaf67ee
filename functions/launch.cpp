#include "functions/launch.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "functions/spawner.hpp"

namespace troupe::functions {

namespace {

/// Read when a process starts, by its loader, its C library or its interpreter: later changes come too late.
constexpr std::array<std::string_view, 11> start_variables = {
    "NODE_", "PYTHON", "LD_", "LC_", "LANG", "GLIBC_", "MALLOC_", "MIMALLOC_", "UV_", "SSL_CERT_", "OPENSSL_"};

bool counts_at_start(const std::string& variable) {
  return std::any_of(start_variables.begin(), start_variables.end(),
                     [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

bool needs_own_process(const function_spec& spec) {
  return std::any_of(spec.environment.begin(), spec.environment.end(),
                     [](const auto& variable) { return counts_at_start(variable.first); });
}

/// Room beside V8's old space: code, young generation, stacks, buffers. Lambda leaves about a tenth.
std::uint32_t old_space_mb(std::uint32_t memory_mb) {
  return memory_mb - std::max<std::uint32_t>(memory_mb / 10, 16);
}

/// `python3.12` where that very version is installed, otherwise the machine's `python3`.
std::string interpreter_of(const function_spec& spec, const runtime_programs& programs) {
  if (spec.runtime != "python3")
    if (auto exact = find_program(spec.runtime, programs.path))
      return *exact;
  return programs.python;
}

std::string_view program_name(runtime_kind kind) {
  switch (kind) {
    case runtime_kind::node: return "no `node` in PATH";
    case runtime_kind::python: return "no `python3` in PATH";
    case runtime_kind::native: return "no `troupe` program to run shared objects with";
    case runtime_kind::provided: return "custom runtimes are not there yet";
  }
  return {};
}

}  // namespace

std::string program_of(const function_spec& spec, const runtime_programs& programs) {
  switch (spec.kind) {
    case runtime_kind::node: return programs.node;
    case runtime_kind::python: return interpreter_of(spec, programs);
    case runtime_kind::native: return programs.native_host;
    case runtime_kind::provided: return {};
  }
  return {};
}

expected<void> check_installed(const function_spec& spec, const runtime_programs& programs) {
  if (program_of(spec, programs).empty())
    return fail(errc::bad_usage,
                "runtime " + spec.runtime + " is not installed on this node: " + std::string{program_name(spec.kind)});
  return {};
}

expected<launch> launch_of(const function_spec& spec, const runtime_programs& programs,
                           const worker_surroundings& around) {
  if (auto installed = check_installed(spec, programs); !installed)
    return fail(errc::init_failed, installed.error().what);
  launch result;
  result.arguments.push_back(program_of(spec, programs));
  result.stem_class = result.arguments.front();
  switch (spec.kind) {
    case runtime_kind::node: {
      const auto heap = "--max-old-space-size=" + std::to_string(old_space_mb(spec.memory_mb));
      result.arguments.insert(result.arguments.end(), {heap, programs.node_shim});
      result.stem_class += " " + heap;
      break;
    }
    case runtime_kind::python:
      // -u: what a handler prints is seen at once, also when the process is killed next. -s: no packages of the user
      // that the node runs as.
      result.arguments.insert(result.arguments.end(), {"-u", "-s", programs.python_shim});
      break;
    case runtime_kind::native:
    case runtime_kind::provided: result.arguments.emplace_back("native-host"); break;
  }
  if (needs_own_process(spec)) {
    result.stem_class.clear();
    result.environment = worker_environment(spec, around);
  } else {
    result.environment = stem_environment(around);
  }
  return result;
}

}  // namespace troupe::functions
