// The inside of a node, in the order in which it is put together. Only cli/node*.cpp include this.
#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <list>
#include <optional>
#include <span>

#include "actors/catalog_follower.hpp"
#include "actors/compute_loops.hpp"
#include "actors/deployer.hpp"
#include "actors/event_journal.hpp"
#include "actors/event_loop.hpp"
#include "actors/function_execution.hpp"
#include "actors/function_logs.hpp"
#include "actors/function_registry.hpp"
#include "actors/level_reads.hpp"
#include "actors/object_isolation.hpp"
#include "actors/router.hpp"
#include "actors/spawner_link.hpp"
#include "actors/spread_waits.hpp"
#include "actors/stem_pool.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/watchdog.hpp"
#include "actors/work_thread.hpp"
#include "cli/data_directory.hpp"
#include "cli/node.hpp"
#include "cli/node_cluster.hpp"
#include "cli/store_backups.hpp"
#include "cluster/copy_lag.hpp"
#include "config/live_settings.hpp"
#include "functions/code_store.hpp"
#include "http/control_api.hpp"
#include "http/edge.hpp"
#include "http/listener.hpp"
#include "http/route_metrics.hpp"

namespace troupe::http {
class metrics_page;
}

namespace troupe::cli {

/// Where the workers' own code lies in the data directory.
inline constexpr const char* node_shim_file = "worker.cjs";
inline constexpr const char* python_shim_file = "worker.py";

/// Cores that this process may run on, or fewer where a cgroup has a quota, at least 1.
unsigned usable_cores();
/// What this process may use: the machine's, or less where a cgroup says so.
std::uint64_t machine_memory_mb();

/// As people are told: `ready`, `stalled`, `draining`, `suspected`, `gone`.
std::string_view word_for(cluster::member_state state) noexcept;

/// One gateway or admin loop with what lives on it.
struct serving_loop {
  explicit serving_loop(std::unique_ptr<actors::event_loop> l) : loop{std::move(l)} {}
  std::unique_ptr<actors::event_loop> loop;
  std::unique_ptr<http::edge> edge;
  std::list<http::listener> listeners;
};

struct node::state {
  explicit state(node_options o);
  ~state();

  int run();
  expected<void> prepare();
  expected<void> open_sockets();
  expected<void> judge_last_end();
  void start_system();
  expected<void> open_store();
  void start_actors();
  // node_execution.cpp
  bool runs_native_functions() const;
  void start_compute();
  void start_watchdog();
  void on_standstill(actors::standstill now);
  [[noreturn]] void end_overdue(const std::vector<actors::overdue_call>& calls);
  [[noreturn]] void end_at_once(int with, std::span<const std::size_t> to_blame = {});
  void stop_compute();
  void start_routers();
  void start_registry();
  void start_deployer(const std::shared_ptr<actors::first_starts>& starts);
  void start_admin(const std::shared_ptr<actors::first_starts>& starts);
  std::shared_ptr<actors::supervisor_surroundings> make_supervision();
  enum class if_missing : std::uint8_t { fetch, fail };
  /// Writes the code out and tells the supervisor; what is missing is waited for, for as long as a start may take.
  void prepare_code(const functions::function_ref& spec, const actors::supervisor_actor& supervisor, if_missing then);
  void await_code(const functions::function_ref& spec, const actors::supervisor_actor& supervisor);
  expected<void> start_serving();
  void open_edges();
  expected<void> await_store();
  void start_listening(std::list<serving_loop>& which);
  void start_backups();
  std::optional<std::uint64_t> backup_age_ms() const;
  cluster::node_load load() const;
  http::cluster_questions cluster_questions();
  /// Of all functions of the catalog.
  std::map<uuid, std::string> function_names() const;
  std::vector<http::node_view> peer_views() const;
  std::uint64_t primary_cursor() const;
  void ask_of_node(const std::string& name, const std::function<cluster::store_call(const uuid&)>& call,
                   http::cluster_questions::done done);
  void start_waits();
  void end_with(int with, const std::string& why);
  expected<void> load_first_picture();
  void announce();
  void write_node_file() const;
  // node_settings.cpp
  http::settings_questions settings_questions();
  http::settings_view settings_view() const;
  std::string effective_value(std::string_view key) const;
  void reload(http::settings_questions::done done);
  void on_hangup();
  void adopt(const loaded_settings& fresh, http::settings_questions::done done);
  void apply(const settings& wanted, std::function<void()> done);
  std::size_t body_memory(const node_options& from) const;
  std::size_t waiting_body_memory(const node_options& from) const;
  http::edge_options client_edge_options(const node_options& from) const;
  http::edge_options admin_edge_options(const node_options& from) const;
  std::uint64_t instance_memory_mb(const node_options& from) const;
  std::size_t max_connections(const node_options& from) const;

  std::string metrics_text();
  void add_requests(http::metrics_page& page);
  void install(actors::routing_update_ptr update, std::vector<actors::routed_function> routes,
               std::function<void()> done);

  void drain();
  void stop_accepting(std::list<serving_loop>& which);
  void end_connections(std::list<serving_loop>& which, milliseconds limit);
  void take_apart();
  void end_threads();

  /// Runs `job` on each of these loops and waits for all of them.
  void on_each(std::list<serving_loop>& which, const std::function<void(serving_loop&)>& job);
  /// Waits until `done()`, woken by `notify`; ends the process when a second signal comes.
  bool wait(const std::function<bool()>& done, time_point deadline);
  void notify() noexcept;
  bool wait_for_signal(int timeout_ms);

  node_options options;
  /// What of them a reload changes while other threads read it.
  std::atomic<milliseconds> drain_announce;
  std::atomic<milliseconds> drain_timeout;
  std::optional<live_settings> settings_now;  ///< nothing without a source; on the control loop
  std::vector<actors::program_function> program_functions;
  std::vector<std::pair<std::size_t, actor_factory>> factories;  ///< index into `program_functions`

  int signals = -1;
  int wake = -1;
  std::atomic<int> stop_requests{0};
  std::atomic<bool> lost_spawner{false};
  int stops_seen = 0;
  bool has_terminal = false;    ///< standard error was one when the node started
  bool hangup_waits = false;    ///< SIGHUP came before the node could read its settings again
  std::size_t descriptors = 0;  ///< that the process may open
  std::atomic<int> exit_code{0};
  std::string end_reason;  ///< written before `exit_code`, once

  std::optional<data_directory> directory;
  functions::spawner_handle spawner;
  const uuid incarnation = make_uuid();
  std::atomic<std::int64_t> level_since_ns{0};  ///< steady clock, since when the primary is in reach; 0: it is not
  const time_point started_at = clock::now();
  std::unique_ptr<node_cluster> cluster;  ///< null for a node alone
  std::unique_ptr<actors::built_in_store> store;
  std::unique_ptr<store_backups> backups;  ///< on the control loop
  functions::runtime_programs programs;
  std::optional<functions::code_store> code;
  std::shared_ptr<actors::object_isolation> objects = std::make_shared<actors::object_isolation>();
  std::vector<std::vector<int>> http_sockets;  ///< per address, per loop
  std::vector<endpoint> http_bound;
  std::vector<int> admin_sockets;
  endpoint admin_bound;

  actors::function_logs logs;
  actors::event_journal journal{incarnation};
  std::list<serving_loop> gateways;
  std::list<serving_loop> control;  ///< exactly one
  caf::actor_system_config config;
  std::unique_ptr<actors::work_thread> files;
  std::unique_ptr<actors::execution_directory> executions;
  std::unique_ptr<actors::compute_loops> compute;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<actors::spawner_link> spawner_link;
  std::unique_ptr<actors::stem_pool> stems;
  std::shared_ptr<std::vector<actors::router_actor>> routers;
  std::vector<std::shared_ptr<actors::router_surroundings>> routing;  ///< of each gateway loop, on that loop
  std::shared_ptr<actors::instance_budget> budget;
  std::unique_ptr<actors::function_registry> registry;
  std::optional<http::route_metrics_directory> route_metrics;
  std::shared_ptr<http::connection_budget> connections;
  std::unique_ptr<actors::catalog_follower> follower;
  cluster::copy_lag copies_lag;  ///< the control loop's
  std::unique_ptr<actors::level_reads> reads;
  std::unique_ptr<actors::spread_waits> copies;  ///< null for a node alone
  actors::deployer_actor deployer;
  http::admin_actor admin;
  std::shared_ptr<http::control_surroundings> controls;  ///< of `admin`, on the control loop
  std::shared_ptr<std::atomic<http::node_state>> node_state =
      std::make_shared<std::atomic<http::node_state>>(http::node_state::starting);
  std::shared_ptr<std::atomic<bool>> stalled = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<actors::watchdog> watchdog;  ///< the last to come and the first to go
};

}  // namespace troupe::cli
