// A native function of this process, on one event loop: runs a call here and now while the function's class says so,
// otherwise has a compute loop run it. The one place that decides where such a call runs.
#pragma once

#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/call_meter.hpp"
#include "actors/compute_loops.hpp"
#include "actors/function_cells.hpp"
#include "actors/loop_bound.hpp"
#include "actors/messages.hpp"
#include "functions/running_objects.hpp"

namespace troupe::actors {

/// What an instance has of its loop.
struct native_place {
  functions::function_log* log = nullptr;
  functions::running_slot* slot = nullptr;     ///< null for functions of the node's own program
  compute_loops* compute = nullptr;            ///< outlives the instances
  std::shared_ptr<function_cells> cells = {};  ///< of the function on this loop; null: nobody counts
};

class native_instance final : public loop_bound<function_actor::base> {
public:
  /// @param what  with a library and an execution.
  native_instance(caf::actor_config& config, const runnable& what, native_place place);

  behavior_type make_behavior() override;
  const char* name() const override { return "native_instance"; }

  /// Whether `run` is what a call should be given to.
  bool runs_here() const noexcept { return execution_->runs_inline(); }
  /// What a message with the call does, for who is on this loop already and needs the answer now.
  functions::outcome_ptr run(const functions::invocation& call);

private:
  using promise = caf::typed_response_promise<functions::outcome_ptr>;

  functions::outcome_ptr run_handler(const functions::invocation& call);
  caf::result<functions::outcome_ptr> send_away(const functions::invocation_ptr& call);
  std::optional<errc> submit(const functions::invocation_ptr& call, const promise& answer);
  void count(const functions::outcome& result) noexcept;

  std::shared_ptr<const functions::native_library> library_;
  function_execution_ptr execution_;
  native_place place_;
  std::uint64_t version_;
  duration timeout_;  ///< of the version
  digest object_;
  inline_meter meter_;
};

}  // namespace troupe::actors
