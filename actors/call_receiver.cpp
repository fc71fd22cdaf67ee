#include "actors/call_receiver.hpp"

#include "actors/call_frame.hpp"
#include "actors/router.hpp"
#include "cluster/call_routing.hpp"

namespace troupe::actors {

call_receiver::call_receiver(caf::actor_config& config, router_actor router, link_services& services)
    : loop_bound{config}, router_{std::move(router)}, state_{router::behind(router_)}, services_{services} {}

call_receiver::behavior_type call_receiver::make_behavior() {
  services_.offer(cluster::link_topic::invoke, *this);
  return {[this](stop_atom) { quit(); }};
}

void call_receiver::on_exit() {
  services_.withdraw(cluster::link_topic::invoke);
  router_ = nullptr;
}

void call_receiver::serve(incoming_call_ptr call) {
  enter();
  auto received = decode_call({std::move(call->head), std::move(call->body)}, loop().now(), call->deadline);
  if (!received)
    return call->refuse(errc::protocol, received.error().what);
  linked hop{received->function, received->version, std::move(received->call)};
  auto begun = state_->begin(hop);
  if (begun.outcome)
    return settle(*call, begun.outcome);
  // The invocation notes that nobody waits; what has not started then never will.
  call->when_abandoned([invocation = std::weak_ptr<functions::invocation>{hop.call}] {
    if (const auto running = invocation.lock())
      running->abandoned.store(true, std::memory_order_relaxed);
  });
  const auto answered = [this, call](const functions::outcome_ptr& result) { settle(*call, result); };
  const auto ended = [call](const caf::error&) { call->fail(errc::bug, "the actor that had the call ended"); };
  if (!begun.runner)
    return request(router_, caf::infinite, std::move(hop)).then(answered, ended);
  const auto asked = request(begun.runner, caf::infinite, functions::invocation_ptr{std::move(hop.call)});
  begun.place.release();
  asked.then(answered, ended);
}

void call_receiver::settle(incoming_call& call, const functions::outcome_ptr& result) {
  if (const auto* failed = std::get_if<functions::failure>(&result->value);
      failed != nullptr && cluster::means_not_run(failed->code))
    return call.refuse(failed->code, failed->detail);
  auto parts = encode_outcome(*result);
  call.answer(std::move(parts.head), std::move(parts.body));
}

}  // namespace troupe::actors
