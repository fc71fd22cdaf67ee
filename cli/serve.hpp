// `troupe serve`: one node, from its flags to its exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/errc.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace troupe::cli {

/// Flags as given. They override `TROUPE_*` variables, which override the file; config/load checks and explains them
/// all.
struct serve_options {
  std::optional<std::string> config;    ///< path of the YAML file
  std::vector<std::string> http;        ///< `ADDRESS:PORT`, each one
  std::optional<std::string> admin;     ///< `ADDRESS:PORT`
  std::optional<std::string> data_dir;  ///< path
  std::optional<std::string> name;
  std::optional<std::string> loops;      ///< a number
  std::optional<std::string> native;     ///< `in-process`
  std::optional<std::string> cluster;    ///< `ADDRESS:PORT`
  std::vector<std::string> join;         ///< `ADDRESS:PORT`, each one
  std::optional<std::string> advertise;  ///< `ADDRESS:PORT`
  bool insecure_cluster = false;
  std::vector<std::pair<std::string, std::string>> settings;  ///< of `--set KEY=VALUE`, in order
};

/// Whether `TROUPE_*` variables of this process count: for a node they do, for a file alone they do not.
enum class environment_use : std::uint8_t { counts, ignored };

/// What a node with these flags would run with, and everything that would refuse its start as far as settings and
/// certificates tell. Reads files and does nothing else.
loaded_settings read_settings(const serve_options& flags, environment_use environment);

/// The settings that a node with these flags runs with. @returns `errc::bad_setting` with the first fault in one line.
expected<settings> load_settings(const serve_options& flags);

/// Runs a node until it is told to stop. Called once, from the main thread, before any other thread exists.
/// @returns the exit code of the program.
int serve(const serve_options& options);

}  // namespace troupe::cli
