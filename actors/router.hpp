// One router per loop: takes each call from the connections of its loop and picks who runs it. Native functions run
// here and now; calls of worker processes go to a free instance of this loop, of another loop, or wait. Limits of the
// queues: RULES.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/function_load.hpp"
#include "actors/loop_bound.hpp"
#include "actors/messages.hpp"
#include "actors/object_isolation.hpp"
#include "actors/remote_calls.hpp"
#include "functions/call_queue.hpp"
#include "functions/processor_use.hpp"

namespace troupe::actors {

class compute_loops;

/// What a router needs of its node. Callbacks are called on the router's loop and only post.
struct router_surroundings {
  functions::queue_limits limits;
  functions::function_log* log = nullptr;
  std::shared_ptr<const object_isolation> objects;
  compute_loops* compute = nullptr;  ///< for native functions of this process; outlives the routers
  std::function<void(const demand&)> on_demand;
  /// The router of another loop. Filled before the first call.
  std::shared_ptr<const std::vector<router_actor>> peers;
  /// Other nodes, one entry per loop; empty for a node alone. Filled before the first call; they outlive the routers.
  std::vector<remote_calls*> remote;
};

/// A place in a worker that a call has been promised, free again at its end: `release` it once the worker has the call.
/// To be held while nothing else runs on the loop.
struct give_back {
  const event_loop* loop = nullptr;
  void operator()(worker_slots* slots) const noexcept { slots->give_back(loop->now()); }
};
using taken_place = std::unique_ptr<worker_slots, give_back>;

class router final : public loop_bound<router_actor::base>, private tick_listener {
public:
  router(caf::actor_config& config, std::shared_ptr<router_surroundings> surroundings);

  behavior_type make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "router"; }

  /// The router behind a handle to one of this process.
  static router* behind(const router_actor& handle);

  /// What becomes of a call that need not wait: it has run, or somebody has a place for it. Neither: the call as a
  /// message tells why, or waits.
  struct begun {
    functions::outcome_ptr outcome;
    function_actor runner;
    taken_place place;  ///< at `runner`, if that is a worker
  };
  /// Runs a call of a client here and now if its function is native and may run on event loops; else takes a place in
  /// an instance of this loop for it. A message to this actor and its answer would cost more than many a function. On
  /// the loop only.
  begun begin(const functions::invocation& call);
  /// The same for a call of another node.
  begun begin(const linked& hop);

private:
  using promise = caf::typed_response_promise<functions::outcome_ptr>;
  struct waiting_call {
    functions::invocation_ptr call;
    promise answer;
    time_point since;
    bool may_forward;
    functions::waiting_bodies::part body{};
  };
  /// A call that runs, or is to run, at another node.
  struct away_call {
    functions::invocation_ptr call;
    promise answer;
  };
  /// A call of another node for a version that this one has not heard of yet.
  struct early_call {
    linked hop;
    promise answer;
    time_point since;
    functions::waiting_bodies::part body{};
  };
  struct worker {
    function_actor actor;
    std::shared_ptr<worker_slots> slots;
    std::uint64_t version;
  };
  struct function_state {
    runnable what;
    function_actor inline_actor;  ///< native or registered: spawned on this loop at its first call
    std::vector<worker> workers;
    functions::call_queue<waiting_call> queue;
    std::size_t counted = 0;  ///< of `queued_`
    time_point asked_at{};    ///< for more instances
  };

  caf::result<functions::outcome_ptr> route(const functions::invocation_ptr& call, bool may_forward);
  caf::result<functions::outcome_ptr> refuse(const function_state& state, const functions::invocation& call, errc code,
                                             std::string detail);
  functions::outcome_ptr refusal(const function_state& state, const functions::invocation& call, errc code,
                                 std::string detail) const;
  functions::outcome_ptr not_run(const functions::invocation& call, functions::outcome_ptr result) const;
  functions::outcome_ptr no_memory_for(const uuid& function, const functions::invocation& call);
  void answer_refused(const function_state& state, const functions::invocation& call, promise& answer, errc code,
                      std::string_view detail) const;
  void count_refusal(const function_state& state, errc cause) const noexcept;
  caf::result<functions::outcome_ptr> to_worker(function_state& state, const functions::invocation_ptr& call,
                                                bool may_forward);
  caf::result<functions::outcome_ptr> take_linked(const linked& hop);
  static void adopt(const function_state& state, const linked& hop);
  function_actor inline_actor_of(function_state& state);
  functions::running_slot* slot_for(const functions::function_spec& spec) const;
  /// Answers it when there is no memory for that.
  void wait_here(function_state& state, waiting_call call);
  void wait_or_refuse(function_state& state, waiting_call call);
  template <class Job>
  caf::result<functions::outcome_ptr> in_memory(const uuid& function, const functions::invocation& call, Job job);
  template <class Job>
  static void unless_out_of_memory(Job job);
  /// Give the call to another actor, or answer it when there is no memory for that.
  void hand_on(const function_state& state, const functions::invocation_ptr& call, promise& answer,
               const function_actor& to, taken_place place = {});
  caf::result<functions::outcome_ptr> hand_on(const function_state& state, const functions::invocation_ptr& call,
                                              const function_actor& to, taken_place place = {});
  void forward(const function_state& state, const functions::invocation_ptr& call, promise& answer,
               const router_actor& to);
  taken_place place_in(const worker& chosen) const noexcept { return {chosen.slots.get(), {&loop()}}; }
  worker* free_worker(function_state& state);
  worker* take_free_worker(function_state& state);
  worker* prefetching_worker(function_state& state);
  router_actor const* other_loop(const function_state& state, bool with_free_slot) const;
  void install(const routing_update& update);
  void add(instance_ready& ready);
  void remove(const instance_gone& gone);
  void dispatch(function_state& state);
  void refuse_stale(function_state& state);
  void give_up(function_state& state, waiting_call& waiting, const functions::failure& why);
  void refuse_late(const function_state& state, waiting_call& late) const;
  void refuse_abandoned(const function_state& state, waiting_call& left) const;
  functions::queue_view queue_view_of(const function_state& state) const;
  std::vector<waiting_call> take_all(function_state& state);
  void forward_waiting(function_state& state);
  void look_at_waiting(function_state& state, time_point now);
  void give_up(function_state& state, const functions::failure& why, std::uint64_t version);
  void ask_for_instances(function_state& state, duration least_age = {});
  void ask_in_spite_of_refusal(function_state& state);
  void publish(function_state& state);
  // router_remote.cpp
  function_state* find(const linked& hop);
  void begin_early();
  void begin_early(early_call& early);
  void answer_early(early_call& early);
  std::vector<early_call> take_early();
  void refuse_early(time_point now);
  functions::outcome_ptr early_refusal(const linked& hop);
  remote_calls* remote_for(const functions::invocation& call) const;
  cluster::local_view view_of(const function_state& state, std::size_t bytes) const;
  bool is_full(const function_state& state, std::size_t bytes) const;
  std::string why_full(const function_state& state) const;
  caf::result<functions::outcome_ptr> leave(const functions::invocation_ptr& call, const uuid& node);
  void send_away(const std::shared_ptr<away_call>& away, const uuid& node);
  void came_back(const std::shared_ptr<away_call>& away, remote_result result);
  void decide_again(const std::shared_ptr<away_call>& away, const remote_result& result);
  void run_here(function_state& state, away_call& away);
  bool may_leave(const functions::invocation& call) const;
  bool may_go_elsewhere(const functions::invocation& call, cluster::try_result ended) const;
  static void deliver(away_call& away, functions::outcome_ptr result);
  void move_waiting(function_state& state);
  bool try_elsewhere(const function_state& state, const waiting_call& refused, errc why);
  void on_tick(time_point now) override;
  function_state* find(const uuid& id);
  begun begin(function_state& state, const functions::invocation& call);

  std::shared_ptr<router_surroundings> surroundings_;
  std::unordered_map<uuid, function_state> functions_;
  std::vector<early_call> early_;  ///< in number and bytes at most what a queue takes
  bool ending_ = false;
  std::size_t queued_ = 0;             ///< over all functions: the tick looks only when something waits
  functions::thread_share own_share_;  ///< while something waits
};

}  // namespace troupe::actors
