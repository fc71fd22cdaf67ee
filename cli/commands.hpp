// The commands that talk to a running node. Each prints its result on stdout, what went wrong on stderr, and returns
// the program's exit code: 0 done, 1 refused or failed, 2 wrong usage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// What all of them take.
struct client_options {
  std::string admin;  ///< URL of the node's admin port
  bool json = false;  ///< print what the node answered, for machines; errors as JSON on stderr
};

/// Flags as given; what is absent is inferred from the code, or the node's default.
struct deploy_options {
  std::string path;
  std::optional<std::string> name;
  std::optional<std::string> runtime;
  std::optional<std::string> handler;
  std::vector<std::string> routes;
  bool no_route = false;
  std::vector<std::string> environment;  ///< `KEY=VALUE` each
  std::optional<double> timeout_s;
  std::optional<std::uint32_t> concurrency;
  std::optional<std::uint32_t> memory_mb;
  std::optional<std::uint32_t> min_instances;
  std::optional<std::uint32_t> max_instances;
  bool idempotent = false;
};

/// The lines that are kept, or also those that come until the user ends it.
enum class log_mode : std::uint8_t { kept, follow };

struct logs_options {
  std::string function;
  log_mode mode = log_mode::kept;
  bool with_node = false;  ///< each line begins with the name of its node
};

struct invoke_options {
  std::string function;
  std::optional<std::string> payload;  ///< JSON, `@FILE`, or `-` for standard input; `{}` without one
  bool log_tail = false;
};

struct certs_options {
  std::string action;               ///< `init` or `issue`
  std::optional<std::string> node;  ///< of `issue`
  std::string dir = "troupe-certs";
  std::optional<std::string> name;     ///< of the cluster, for `init`
  std::vector<std::string> addresses;  ///< of the node, for `issue`
  std::optional<std::uint32_t> days;
};

struct restore_options;
struct config_options;

struct nodes_options {
  std::string action;               ///< empty to list them, or `remove`
  std::optional<std::string> node;  ///< of `remove`
};

/// Names of functions stand in paths: what is none is reported before anything is sent.
/// @param code  set to the exit code in that case.
bool refuse_name(const client_options& client, const std::string& name, int& code);

int deploy(const client_options& client, const deploy_options& options);
int list(const client_options& client);
int routes(const client_options& client);
int remove(const client_options& client, const std::string& name);
int logs(const client_options& client, const logs_options& options);
int invoke(const client_options& client, const invoke_options& options);
int nodes(const client_options& client, const nodes_options& options);
int events(const client_options& client, log_mode mode);
int move_store(const client_options& client, const std::string& to);
int backup(const client_options& client, const std::string& file);
int restore(const client_options& client, const restore_options& options);  ///< asks no node
int certs(const client_options& client, const certs_options& options);      ///< asks no node
int config(const client_options& client, const config_options& options);

}  // namespace troupe::cli
