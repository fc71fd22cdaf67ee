// Starts, watches and stops the worker processes of one function on this node. A control-plane actor on the pool.
#pragma once

#include <atomic>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/function_logs.hpp"
#include "actors/messages.hpp"
#include "actors/worker_instance.hpp"
#include "functions/restart_policy.hpp"

namespace troupe::actors {

/// What all instances of a node may need together. From any thread.
struct instance_budget {
  std::atomic<std::uint64_t> used_mb{0};
  std::uint64_t max_mb = 0;

  bool take(std::uint64_t mb) {
    if (used_mb.fetch_add(mb) + mb <= max_mb)
      return true;
    used_mb.fetch_sub(mb);
    return false;
  }
  void give_back(std::uint64_t mb) { used_mb.fetch_sub(mb); }
};

struct supervisor_surroundings {
  std::vector<event_loop*> loops;
  std::shared_ptr<const std::vector<router_actor>> routers;
  spawner_link* spawner = nullptr;
  std::shared_ptr<instance_budget> budget;
  function_logs* logs = nullptr;
  worker_limits limits;
  functions::worker_surroundings worker;  ///< task root and log stream are filled per worker
  std::string node_program;               ///< absolute path of `node`; empty when there is none
  std::string shim_path;
  std::string path;
  /// Unpacks a function's code unless it is, and tells the supervisor. From any thread.
  std::function<void(const functions::function_ref&, const supervisor_actor&)> prepare;
};

class function_supervisor final : public supervisor_actor::base {
public:
  function_supervisor(caf::actor_config& config, std::shared_ptr<const supervisor_surroundings> surroundings);

  behavior_type make_behavior() override;
  const char* name() const override { return "function_supervisor"; }

private:
  using report_promise = caf::typed_response_promise<start_report>;
  enum class stage : std::uint8_t { starting, ready, stopping };
  struct instance {
    std::uint64_t version = 0;
    std::uint32_t memory_mb = 0;
    stage state = stage::starting;
    worker_actor worker;
  };
  struct waiting_report {
    std::uint64_t version;
    report_promise answer;
  };

  void adopt(runnable what);
  void on_demand(const demand& wanted);
  void on_ready(const worker_ready& ready);
  void on_ended(const worker_ended& ended);
  caf::result<start_report> await(std::uint64_t version);
  void on_prepared(const code_prepared& code);
  void start_instances(std::size_t count, unsigned loop);
  bool start_instance(unsigned loop);
  void start_when_allowed();
  void report(const start_report& what);
  void fail_waiting(const functions::failure& why);
  void stop_older_versions();
  template <class Atom>
  void stop_all(Atom how);
  std::size_t count(stage state) const;
  unsigned loop_with_fewest() const;

  std::shared_ptr<const supervisor_surroundings> around_;
  runnable what_;
  functions::restart_policy policy_;
  std::unordered_map<std::uint64_t, instance> instances_;
  std::uint64_t next_instance_ = 1;
  std::vector<waiting_report> reports_;
  std::string task_root_;  ///< of the current version; empty until its code is unpacked
  bool preparing_ = false;
  bool calls_wait_ = false;  ///< somebody needs an instance as soon as the policy allows one
  bool retry_scheduled_ = false;
  bool stopping_ = false;
};

}  // namespace troupe::actors
