// From the catalog's records to what runs on this node: loads native objects, keeps a supervisor per function with
// worker processes, and hands routers and edges the same picture at the same moment. On the control loop.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/function_execution.hpp"
#include "actors/function_supervisor.hpp"
#include "actors/messages.hpp"
#include "actors/object_isolation.hpp"
#include "actors/work_thread.hpp"
#include "cluster/catalog.hpp"
#include "cluster/node_load.hpp"
#include "config/settings.hpp"
#include "functions/code_store.hpp"

namespace troupe::actors {

/// A function of an embedding program; in this node's memory only.
struct program_function {
  functions::function_spec spec;  ///< kind native, form program
  std::vector<std::string> routes;
  std::shared_ptr<const functions::native_library> library;  ///< either this
  function_actor_factory factory;                            ///< or this
  std::optional<native_execution> execution{};               ///< of the library; without it as the node's setting says
};

/// What a change looks like to the gateway: routes whose functions are resolved.
struct routed_function {
  std::string route_key;
  functions::function_ref function;
};

struct registry_surroundings {
  event_loop* control = nullptr;
  work_thread* files = nullptr;
  functions::code_store* code = nullptr;  ///< on the files thread only
  std::shared_ptr<const object_isolation> objects;
  std::shared_ptr<const supervisor_surroundings> supervision;
  function_logs* logs = nullptr;
  execution_directory* executions = nullptr;
  bool count_calls = true;
  /// What this node may run of a function now, and what its home gave it. Empty for a node alone: it has all of it.
  std::function<cluster::instance_band(const functions::function_spec&)> band_of{};
  std::function<cluster::instance_band(const uuid& function)> given_band{};
  /// Installs a picture on every loop, then calls `done` on the control loop.
  std::function<void(routing_update_ptr, std::vector<routed_function>, std::function<void()> done)> install;
};

class function_registry final : private timer_listener {
public:
  function_registry(caf::actor_system& system, registry_surroundings surroundings);

  /// Adds a function of this program. Before `adopt` is first called.
  /// @returns `errc::bad_usage` or `errc::conflict`.
  expected<void> add_program_function(program_function function);

  void adopt(cluster::catalog_snapshot_ptr snapshot);
  /// Code has come from another node: objects that run in this process and were missing are loaded now.
  void code_arrived(const digest& code);
  /// Runs `done` once every loop routes by a picture at or past `cursor` (`there`), or when `deadline` has passed
  /// before.
  void when_installed(std::uint64_t cursor, time_point deadline, std::function<void(bool there)> done);
  /// The supervisor of a function with worker processes, or null.
  supervisor_actor supervisor_of(const uuid& function) const;
  /// Of the newest picture that every loop routes by.
  std::uint64_t installed() const noexcept { return installed_; }
  struct counts {
    std::size_t ready = 0;
    std::size_t starting = 0;
  };
  counts instances_of(const uuid& function) const;
  struct figures {
    std::size_t ready = 0;          ///< worker processes that take calls
    std::size_t generic = 0;        ///< those that wait for code
    std::uint64_t promised_mb = 0;  ///< memory of all worker processes, those that start or end included
    std::uint64_t max_promised_mb = 0;
    std::uint64_t in_flight = 0;  ///< calls that workers have
    std::uint64_t waiting = 0;    ///< calls that wait for a worker
  };
  /// Over all functions.
  figures instances() const;
  /// Of functions with worker processes here, by name.
  std::map<std::string, std::shared_ptr<const function_load>> loads() const;
  /// Of all functions whose calls are counted here, by name: those, and native ones in this process.
  std::map<std::string, std::shared_ptr<const std::vector<function_cells>>> call_counts() const;
  /// What this node tells its peers of each function that has instances or calls here.
  std::vector<cluster::function_presence> presences() const;
  /// Calls that one instance takes at a time; 0 for a function without worker processes here.
  std::uint32_t concurrency_of(const uuid& function) const;
  /// A home ordered another band, as `band_of` says from now on. `kept` comes once, on the control loop, unless the
  /// function is removed meanwhile: success when no more run than it allows, `not_ready` when some still have calls or
  /// the function is not known here yet.
  void apply_band(const uuid& function, std::function<void(expected<void>)> kept);
  /// Has an instance of a version run here. `done` comes once, on the control loop, unless the function is removed
  /// meanwhile; `not_ready` when this node does not know the version yet.
  void await_start(const uuid& function, std::uint64_t version, std::function<void(const start_report&)> done);
  /// What `band_of` says may have changed without an order.
  void refresh_bands();
  /// Whether the calls that wait for an instance of the function here would wait in vain: none runs, none starts and
  /// none may be started.
  bool starts_nothing(const uuid& function) const;
  /// Makes idle instances of other functions end, those first that were only started by a deployment, then those that
  /// waited longest. Answers `who` with a `memory_atom`, at once or when some has been given back.
  void find_memory(std::uint64_t mb, const supervisor_actor& who);
  void memory_freed();
  const std::vector<program_function>& program_functions() const noexcept { return program_functions_; }

  /// Stops all supervisors, which stop their instances; nothing is adopted afterwards.
  void stop();

private:
  struct supervised {
    supervisor_actor supervisor;
    std::shared_ptr<function_load> load;
    functions::function_ref spec;
    cluster::instance_band band{};  ///< as its supervisor was told
    time_point asked_to_yield{};
  };
  /// Waits for a picture.
  struct waiter {
    std::uint64_t cursor;
    time_point deadline;
    std::function<void(bool there)> done;
  };
  struct waiter_watch final : timer_listener {
    explicit waiter_watch(function_registry& r) : registry{r} {}
    void on_timer(time_point now) override { registry.answer_waiters(now); }
    function_registry& registry;
  };
  using library_ptr = std::shared_ptr<const functions::native_library>;

  void proceed();
  bool load_next_object();
  bool runs_in_node(const cluster::function_record& record);
  void install_now();
  void answer_waiters(time_point now);
  void watch_waiters();
  runnable runnable_of(const cluster::function_record& record);
  /// Null: nobody counts.
  std::shared_ptr<std::vector<function_cells>> cells_of(const functions::function_spec& spec);
  void remove_vanished(const cluster::catalog_snapshot& snapshot);
  void forget_counts(const routing_update& update);
  void keep_executions(const routing_update& update);
  void release(const supervised& entry);
  cluster::instance_band band_of(const functions::function_spec& spec) const;
  cluster::function_presence presence_of(const uuid& function, const supervised& entry) const;
  std::uint64_t make_idle_yield(std::uint64_t mb, const supervisor_actor& except);
  void on_timer(time_point now) override;

  caf::actor_system& system_;
  registry_surroundings around_;
  std::vector<program_function> program_functions_;
  cluster::catalog_snapshot_ptr wanted_;
  std::uint64_t installed_ = 0;
  bool busy_ = false;
  bool arrived_ = false;  ///< code, while it was busy
  bool stopped_ = false;
  std::unordered_map<uuid, supervised> supervised_;
  std::vector<caf::weak_actor_ptr> released_;  ///< told to stop when their instances have finished
  std::size_t released_to_look_at_ = 16;       ///< how many before those that have ended are taken out
  std::map<digest, library_ptr> libraries_;
  std::map<digest, error> load_errors_;
  /// A native function in this process. Its cells are kept over deployments.
  struct counted {
    std::string name;
    std::shared_ptr<std::vector<function_cells>> cells;
  };
  std::unordered_map<uuid, counted> counted_;
  std::vector<uuid> inline_functions_;  ///< of the catalog, run on the loops of this node
  std::set<digest> isolated_;           ///< objects that took the node with them, as far as the log has named them
  std::vector<waiter> waiters_;
  waiter_watch watch_{*this};
  std::deque<supervisor_actor> memory_waiters_;  ///< each function once
};

/// The record as rooms below the catalog know it.
expected<functions::function_spec> spec_of(const cluster::function_record& record);

}  // namespace troupe::actors
