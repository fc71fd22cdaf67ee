#include "actors/native_instance.hpp"

#include <utility>

namespace troupe::actors {

using functions::invocation_ptr;
using functions::outcome_ptr;

native_instance::native_instance(caf::actor_config& config, const runnable& what, native_place place)
    : loop_bound{config}, library_{what.library}, execution_{what.execution}, place_{std::move(place)},
      version_{what.spec->version}, timeout_{what.spec->timeout}, object_{what.spec->code}, meter_{loop(), execution_,
                                                                                                   version_, timeout_} {
}

native_instance::behavior_type native_instance::make_behavior() {
  return {[this](const invocation_ptr& call) -> caf::result<outcome_ptr> {
    if (runs_here())
      return run(*call);
    return send_away(call);
  }};
}

outcome_ptr native_instance::run(const functions::invocation& call) {
  const auto begun_at = clock::now();
  auto result = run_handler(call);
  result->ran = clock::now() - begun_at;
  meter_.took(result->ran);
  count(*result);
  return result;
}

outcome_ptr native_instance::run_handler(const functions::invocation& call) {
  const functions::running_mark mark{place_.slot, object_};
  const inline_meter::running measured{meter_};
  return library_->call(call, *place_.log);
}

void native_instance::count(const functions::outcome& result) noexcept {
  if (place_.cells == nullptr)
    return;
  // What a compute loop did not run it has refused.
  if (const auto* failed = std::get_if<functions::failure>(&result.value);
      failed != nullptr && result.ran == duration{})
    place_.cells->refuse(failed->code);
  else
    place_.cells->settle(result);
}

caf::result<outcome_ptr> native_instance::send_away(const invocation_ptr& call) {
  auto answer = make_response_promise<promise>();
  const auto refused = submit(call, answer);
  if (!refused)
    return answer;
  auto result = refusal_of(*refused);
  count(*result);
  answer.deliver(std::move(result));
  return answer;
}

std::optional<errc> native_instance::submit(const invocation_ptr& call, const promise& answer) {
  try {
    // The way back: this actor, which alone may answer, lives on its loop and ends there.
    auto deliver = [self = strong_self(), this, answer](outcome_ptr result) mutable {
      auto& home = loop();
      home.post([self = std::move(self), this, answer = std::move(answer), result = std::move(result)]() mutable {
        enter();
        if (getf(is_terminated_flag))
          return;  // the node is going down: nobody waits any more
        count(*result);
        answer.deliver(std::move(result));
        loop().drain();
      });
    };
    return place_.compute->submit(
        {call, clock::now(), library_, object_, execution_, version_, timeout_, std::move(deliver)});
  } catch (const std::bad_alloc&) {  // of the way back
    return errc::no_capacity;
  }
}

}  // namespace troupe::actors
