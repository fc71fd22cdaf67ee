// Where worker processes come from: started for an instance that needs one, or before, generic, as "stem cells" that
// wait for code. Bounds how many start at the same time. On the control loop.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "actors/event_loop.hpp"
#include "actors/instance_budget.hpp"
#include "actors/messages.hpp"
#include "actors/spawner_link.hpp"
#include "functions/launch.hpp"
#include "functions/stem_policy.hpp"
#include "functions/worker_payload.hpp"

namespace troupe::actors {

struct stem_pool_options {
  functions::runtime_programs programs;
  functions::worker_surroundings surroundings;  ///< of every worker: task root and log stream are filled in
  bool stem_cells = true;
  std::size_t max_booting = 1;  ///< processes that start at a time, at least 1
  std::size_t max_stems = 4;    ///< that wait for code, in all and of one class
  milliseconds boot_timeout{10'000};
  int nice = 0;  ///< added to the node's own while a process starts and loads
};

/// An instance that waits for its process: it gets `worker_ends_ptr`, or the `worker_process` event that says why not.
struct worker_order {
  worker_actor worker;
  functions::function_ref spec;
  std::string task_root;  ///< where its code lies unpacked
};

class stem_pool final : private timer_listener {
public:
  stem_pool(event_loop& control_loop, spawner_link& spawner, std::shared_ptr<instance_budget> budget,
            stem_pool_options options);
  ~stem_pool();

  /// From any thread. At most one order per instance; instances are bounded by the budget.
  void start(worker_order order);
  /// The instance needs no process any more. From any thread; too late is no fault.
  void cancel(const worker_actor& worker);

  // -- on the control loop
  /// A version of a function is deployed here, or no longer is: one generic worker of its class waits meanwhile.
  void deployed(const functions::function_spec& spec);
  void removed(const functions::function_spec& spec);
  /// Ends workers that wait for code, to make room. @returns the megabytes that this frees, at least `mb` if it can.
  std::uint64_t yield_memory(std::uint64_t mb);
  std::size_t waiting_stems() const noexcept;
  void stop();

private:
  struct process;
  struct stem_class {
    explicit stem_class(std::size_t most) : policy{most} {}
    functions::stem_policy policy;
    functions::function_ref example;  ///< any function of the class: says how to start one
    std::size_t functions = 0;        ///< deployed ones
    time_point no_refill_before{};
  };
  struct waiting_order {
    worker_order order;
    functions::launch launch;
  };

  // stem_pool.cpp: processes for orders
  void take(worker_order&& order);
  bool boot(const functions::launch& launch, const functions::function_spec& spec, std::string task_root,
            worker_actor owner);
  void boot_what_is_wanted();
  void adopt(process& ready, const worker_actor& worker);
  void on_booted(process& which);
  void on_event(process& which, const functions::spawner_event& event);
  void fail(const worker_actor& worker, const std::string& why);
  void erase(process& which);
  void doom(process& which);
  std::size_t booting() const;

  // stem_refill.cpp: those that wait for code
  void refill();
  void refill_soon();
  void pause_refill(const std::string& name);
  void end_surplus(time_point now);
  std::size_t count(const std::string& name, bool booted) const;
  void on_timer(time_point now) override;

  event_loop& loop_;
  spawner_link& spawner_;
  std::shared_ptr<instance_budget> budget_;
  stem_pool_options options_;
  std::map<std::string, stem_class> classes_;
  std::list<std::shared_ptr<process>> processes_;  ///< booting, or waiting for code
  std::deque<waiting_order> orders_;
  bool stopped_ = false;
};

}  // namespace troupe::actors
