// A node: everything that `troupe serve` starts, put together and taken apart again. Programs that embed troupe link
// this and register functions of their own.
//
//   troupe::cli::node_options options;
//   options.http = {{"127.0.0.1", 8080}};
//   troupe::cli::node node{std::move(options)};
//   node.register_function("hello", {}, {"GET /hello/{name}"}, [](const troupe::request& request, troupe::context&) {
//     return troupe::response::text("Hello, " + std::string{request.path_parameter("name")} + "!\n");
//   });
//   return node.run();
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/function_registry.hpp"
#include "actors/messages.hpp"
#include "actors/router.hpp"
#include "actors/worker_instance.hpp"
#include "config/errc.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"
#include "functions/sdk/troupe/function.hpp"
#include "functions/spawner.hpp"
#include "http/edge.hpp"

namespace troupe::cli {

struct node_options;

/// Where the options of a node come from, so that it can show them and read them again.
struct settings_source {
  loaded_settings first;                        ///< what the options were made of
  std::optional<std::string> file;              ///< without one there is nothing to read again
  std::function<loaded_settings()> read_again;  ///< blocks on the disk; on the files thread
  std::function<node_options(const settings&)> options_of;
};

struct node_options {
  std::vector<endpoint> http{{"0.0.0.0", 8080}};  ///< gateway addresses; port 0 takes any free one
  endpoint admin{"127.0.0.1", 9001};              ///< a loopback address
  std::vector<std::string> admin_hosts;           ///< further names that a `Host` field of the admin port may give
  std::string data_dir = "./troupe-data";
  std::string name;    ///< empty: host name, `-`, 4 characters of the node id
  unsigned loops = 0;  ///< event loops, 1 to 1,024; 0: one per core
  native_isolation native = native_isolation::process;
  native_execution execution = native_execution::adaptive;  ///< of native functions inside the node
  unsigned compute_loops = 0;                               ///< for those, 1 to 256; 0: one per core
  http::edge_options edge;
  std::uint64_t max_admin_body_bytes = 70'000'000;
  std::size_t max_connections = 0;  ///< 0: three quarters of the descriptor limit
  functions::queue_limits queues;
  actors::worker_limits workers;
  std::uint64_t max_instance_memory_mb = 0;  ///< of all instances together; 0: 60 % of the machine's memory
  stem_cell_mode stem_cells = stem_cell_mode::automatic;
  std::string native_host;  ///< the `troupe` program, which runs shared objects; empty: looked for in PATH
  std::string region = "us-east-1";
  std::string account_id = "000000000000";
  milliseconds drain_announce{2'000};
  milliseconds drain_timeout{30'000};
  backup_settings backups;
  cluster_settings cluster;  ///< without `listen` the node is alone
  /// Nothing for a program that sets these options itself.
  std::shared_ptr<const settings_source> source;
  /// Started by the caller before it had threads; -1: the node starts one itself, which must then be before any thread.
  functions::spawner_handle spawner;
};

/// Limits of a function that a program registers.
struct function_limits {
  milliseconds timeout{3'000};
  std::uint32_t concurrency = 1;
  /// Of a callable: where its calls run; nothing: as `node_options::execution` says. An actor runs on its loop.
  std::optional<native_execution> execution{};
};

using native_handler = std::function<response(const request&, context&)>;
/// Makes the actor that runs a function; called once per event loop, on that loop's thread. The actor must be
/// loop-bound
/// (`actors::spawn_on`) or a plain CAF actor.
using actor_factory = std::function<actors::function_actor(caf::actor_system&, actors::event_loop&)>;

class node {
public:
  explicit node(node_options options);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// A function of this program: on the event loop that has the call while its calls are short, else on a compute loop.
  /// It may be called on several at once. Before `run`. Without routes it answers at `ANY /<name>`
  /// and `ANY /<name>/{proxy+}`.
  /// @returns `errc::bad_usage`, or `errc::conflict` for a name that is registered already.
  expected<void> register_function(std::string name, function_limits limits, std::vector<std::string> routes,
                                   native_handler handler);
  /// The same for an actor that replies to invocations itself.
  expected<void> register_actor(std::string name, function_limits limits, std::vector<std::string> routes,
                                actor_factory factory);

  /// Serves until SIGTERM, SIGINT or `stop`, then drains. SIGHUP makes a node with a `source` read its settings again.
  /// Blocks these signals in the calling thread: call it from the main thread before others exist. @returns the exit
  /// code: 0 after a clean end, 1 or 2 with one line on stderr.
  int run();
  /// Begins to drain; from any thread. A second call ends the drain at once.
  void stop() noexcept;

private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace troupe::cli
