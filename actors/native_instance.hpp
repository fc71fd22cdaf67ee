// A native function inline on a loop: the handler runs on the thread that woke this actor.
#pragma once

#include <caf/typed_event_based_actor.hpp>

#include "actors/function_cells.hpp"
#include "actors/loop_bound.hpp"
#include "actors/messages.hpp"
#include "config/clock.hpp"
#include "functions/running_objects.hpp"

namespace troupe::actors {

class native_instance final : public loop_bound<function_actor::base> {
public:
  native_instance(caf::actor_config& config, std::shared_ptr<const functions::native_library> library,
                  functions::function_log* log, functions::running_slot* slot, const digest& object,
                  std::shared_ptr<function_cells> cells)
      : loop_bound{config}, library_{std::move(library)}, log_{log}, slot_{slot}, object_{object}, cells_{std::move(
                                                                                                       cells)} {}

  behavior_type make_behavior() override {
    return {[this](const functions::invocation_ptr& call) { return run(*call); }};
  }
  /// What a message with the call does, for who is on this loop already and needs the answer now.
  functions::outcome_ptr run(const functions::invocation& call) {
    const auto begun_at = clock::now();
    auto result = run_handler(call);
    result->ran = clock::now() - begun_at;
    if (cells_ != nullptr)
      cells_->settle(*result);
    return result;
  }
  const char* name() const override { return "native_instance"; }

private:
  functions::outcome_ptr run_handler(const functions::invocation& call) const {
    const functions::running_mark mark{slot_, object_};
    try {
      return library_->call(call, *log_);
    } catch (const std::exception& problem) {  // out of memory: the SDK lets nothing else through
      return functions::make_failure(errc::function_crashed, problem.what());
    }
  }

  std::shared_ptr<const functions::native_library> library_;
  functions::function_log* log_;
  functions::running_slot* slot_;  ///< null for functions of the node's own program
  digest object_;
  std::shared_ptr<function_cells> cells_;  ///< of this loop; null: nobody counts
};

}  // namespace troupe::actors
