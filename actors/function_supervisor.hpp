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
#include "actors/instance_budget.hpp"
#include "actors/messages.hpp"
#include "actors/stem_pool.hpp"
#include "actors/worker_instance.hpp"
#include "functions/restart_policy.hpp"

namespace troupe::actors {

struct supervisor_surroundings {
  std::vector<event_loop*> loops;
  std::shared_ptr<const std::vector<router_actor>> routers;
  spawner_link* spawner = nullptr;
  stem_pool* stems = nullptr;
  std::shared_ptr<instance_budget> budget;
  /// Asks for memory that the budget does not have: a `memory_atom` answers. From any thread.
  std::function<void(std::uint64_t mb, const supervisor_actor&)> ask_for_memory;
  /// Memory was given back to the budget. From any thread.
  std::function<void()> memory_freed;
  function_logs* logs = nullptr;
  worker_limits limits;
  std::size_t cores = 1;                  ///< that instances may use
  functions::worker_surroundings worker;  ///< task root and log stream are filled per worker
  /// The number of instances of a function, or of those that it wants, is another one. From any thread; may be empty.
  std::function<void()> counts_changed;
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
    std::function<void(const start_report&)> answer;
    time_point since;
  };

  void adopt(runnable what);
  void on_again();
  void stop(instance& which);
  void on_demand(const demand& wanted);
  void on_ready(const worker_ready& ready);
  void on_idle(const worker_idle& idle);
  void on_ended(const worker_ended& ended);
  void on_memory(bool may_be_there);
  void yield_one();
  void await(std::uint64_t version, std::function<void(const start_report&)> answer);
  void on_prepared(const code_prepared& code);
  void start_instances(std::size_t count, unsigned loop);
  bool start_instance(unsigned loop);
  void start_when_allowed();
  bool older_makes_room();
  void refuse(const functions::failure& why);
  void give_back_memory(std::uint64_t mb);
  std::size_t alive() const;
  bool older_serves() const;
  bool below_minimum() const;
  void report(const start_report& what);
  void fail_waiting(const functions::failure& why);
  void stop_older_versions();
  template <class Atom>
  void stop_all(Atom how);
  std::size_t count(stage state) const;
  unsigned loop_with_fewest() const;
  // function_supervisor_band.cpp
  void on_band(const band_change& change);
  void stop_surplus();
  std::size_t current() const;
  expected<void> check_band() const;
  std::size_t older() const;
  std::uint32_t room() const;
  void want(std::size_t instances);
  void await_room();
  void publish();
  void tell_of_breaker(functions::breaker_state before) const;
  void note_end(const worker_ended& ended);

  std::shared_ptr<const supervisor_surroundings> around_;
  runnable what_;
  cluster::instance_band band_;
  functions::restart_policy policy_;
  std::unordered_map<std::uint64_t, instance> instances_;
  std::uint64_t next_instance_ = 1;
  std::vector<waiting_report> reports_;
  std::string task_root_;  ///< of the current version; empty until its code is unpacked
  std::string object_;     ///< of the current version, when it is a shared object
  bool preparing_ = false;
  bool more_of_use_ = true;  ///< as far as the calls that wait tell
  bool calls_wait_ = false;  ///< somebody needs an instance as soon as the policy allows one
  bool retry_scheduled_ = false;
  bool asked_for_memory_ = false;
  time_point memory_wanted_since_{};  ///< not set: nothing waits for memory
  bool stopping_ = false;
};

}  // namespace troupe::actors
