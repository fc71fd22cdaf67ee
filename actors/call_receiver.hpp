// Takes the calls that other nodes send to this loop and has whoever this loop's router names run them. Never sends one
// on: a call that came by link runs here or is refused (RULES: Cluster).
#pragma once

#include <caf/typed_event_based_actor.hpp>

#include "actors/link_call.hpp"
#include "actors/loop_bound.hpp"
#include "actors/messages.hpp"

namespace troupe::actors {

class router;

/// Stands for this loop's links; nobody sends it anything but the order to stop.
using call_receiver_actor = caf::typed_actor<caf::reacts_to<stop_atom>>;

class call_receiver final : public loop_bound<call_receiver_actor::base>, public link_service {
public:
  /// @param router    of this loop.
  /// @param services  of this loop: offers itself there until it ends.
  call_receiver(caf::actor_config& config, router_actor router, link_services& services);

  behavior_type make_behavior() override;
  void on_exit() override;
  void serve(incoming_call_ptr call) override;
  const char* name() const override { return "call_receiver"; }

private:
  void settle(incoming_call& call, const functions::outcome_ptr& result);

  router_actor router_;
  router* state_;  ///< of `router_`, which lives on this loop too
  link_services& services_;
};

}  // namespace troupe::actors
