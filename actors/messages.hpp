// What actors of one node say to each other. All of it stays inside the process: what crosses to other nodes is an
// envelope.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/typed_actor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actors/worker_ends.hpp"
#include "cluster/instance_band.hpp"
#include "functions/invocation.hpp"
#include "functions/native_library.hpp"
#include "functions/outcome.hpp"
#include "functions/spawner.hpp"

namespace troupe::actors {

class event_loop;
class function_execution;
class worker_slots;
struct function_cells;
struct function_load;

/// Anything that runs a function: replies with what became of the call, always exactly once.
/// Programs that embed troupe register actors of this type.
using function_actor = caf::typed_actor<caf::replies_to<functions::invocation_ptr>::with<functions::outcome_ptr>>;

/// Makes the actor of a function that an embedding program registered; called once per event loop, on that loop.
using function_actor_factory = std::function<function_actor(event_loop&)>;

/// A call that another loop's router sends here because this loop has a free instance or the shorter queue. Never sent
/// on.
struct forwarded {
  functions::invocation_ptr call;
};

/// A call that another node sent to this loop: what to run is looked up here. Never sent to another node.
struct linked {
  uuid function;
  std::uint64_t version = 0;  ///< that the sender knew: an older one here is behind
  std::shared_ptr<functions::invocation> call;
};

/// How the functions of the catalog run on this node; immutable, one object for all routers.
struct runnable {
  functions::function_ref spec;
  std::shared_ptr<const functions::native_library> library;  ///< native, in process
  std::shared_ptr<function_execution> execution;             ///< of the library: where its calls run
  function_actor_factory factory;                            ///< registered by an embedding program
  std::shared_ptr<function_load> load;                       ///< worker processes: what each loop has and waits for
  std::shared_ptr<std::vector<function_cells>> counts;       ///< by loop; null: nobody counts its calls here
};

struct routing_update {
  std::vector<runnable> functions;  ///< all of them
};
using routing_update_ptr = std::shared_ptr<const routing_update>;

/// Replaces what a router knows; then `installed` runs on its loop, in the same message.
struct install_update {
  routing_update_ptr update;
  std::function<void()> installed;
};

/// A worker process has loaded its code and belongs to this loop.
struct instance_ready {
  uuid function;
  std::uint64_t version = 0;
  function_actor worker;
  std::shared_ptr<worker_slots> slots;
};

/// A worker takes no more calls: it ended or is being retired.
struct instance_gone {
  uuid function;
  std::shared_ptr<worker_slots> slots;
};

/// A worker answered while calls wait on its loop.
struct slot_free {
  uuid function;
};

/// No instance could be started: what waits on the router's loop for this version is answered with `why`.
struct start_failed {
  uuid function;
  std::uint64_t version = 0;
  functions::failure why;
  bool none_left = true;  ///< no instance of an older version runs either
};

/// How many instances the supervisor of a function keeps and may have.
struct band_change {
  cluster::instance_band band;
  /// Set when a home ordered it: what is above the maximum stops, and then this is told whether no more run. From any
  /// thread.
  std::function<void(expected<void>)> kept{};
};

/// No instance of a function runs here or will soon, but others have some: what waits here for one goes to them.
struct runs_elsewhere {
  uuid function;
};

/// Asks for more instances of a function: `queued` calls wait on a loop, the oldest for `age`, and the loop itself is
/// busy for `loop_share` of its time (0: not known).
struct demand {
  uuid function;
  unsigned loop = 0;
  std::size_t queued = 0;
  duration age{};
  double loop_share = 0;
};

/// How the first start of a version went.
struct start_report {
  bool started = false;
  duration took{};
  functions::failure why;  ///< when not started
};

/// Wants an instance of a version to run. `answer` comes when one has loaded or failed to, from any thread.
struct start_wish {
  std::uint64_t version = 0;
  std::function<void(const start_report&)> answer;
};

/// From a worker to its supervisor.
struct worker_ready {
  std::uint64_t instance = 0;
  duration took{};
};
/// It has had nothing to do for the idle timeout.
struct worker_idle {
  std::uint64_t instance = 0;
};
struct worker_ended {
  std::uint64_t instance = 0;
  bool loaded = false;     ///< it had loaded its code
  bool expected = false;   ///< it was told to stop
  bool timed_out = false;  ///< it was ended because a call took too long
  time_point loaded_at{};
  functions::failure why;
  bool killed = false;  ///< by somebody who is not the node, as the kernel or an operator: SIGKILL
};

/// The code of a version lies unpacked on the disk, or cannot.
struct code_prepared {
  std::uint64_t version = 0;
  std::string task_root;
  std::string object{};  ///< of a native function: the shared object
  error why{};           ///< when `task_root` is empty; `not_ready`: it has not come from another node yet
};

/// From the spawner to the worker that it is about.
struct worker_process {
  functions::spawner_event event;
};

using stop_atom = caf::atom_constant<caf::atom("stop")>;
using halt_atom = caf::atom_constant<caf::atom("halt")>;
using await_atom = caf::atom_constant<caf::atom("await")>;
using yield_atom = caf::atom_constant<caf::atom("yield")>;
using memory_atom = caf::atom_constant<caf::atom("memory")>;
using again_atom = caf::atom_constant<caf::atom("again")>;

/// One worker process behind its channel.
using worker_actor = function_actor::extend<  // Its process, once there is one. Before, it waits.
    caf::reacts_to<worker_ends_ptr>, caf::reacts_to<worker_process>,
    // Takes no new calls, finishes those it has, ends its process and itself.
    caf::reacts_to<stop_atom>,
    // The same, but calls that still run are cut off.
    caf::reacts_to<halt_atom>>;

/// One per function with worker processes: starts, watches and stops instances; never on a request's path.
using supervisor_actor = caf::typed_actor<
    // A new version of the function, or the first; the band it is to keep to comes before.
    caf::reacts_to<runnable>, caf::reacts_to<band_change>, caf::reacts_to<demand>, caf::reacts_to<worker_ready>,
    caf::reacts_to<worker_idle>, caf::reacts_to<worker_ended>,
    // Replies when an instance of this version has loaded or failed to; starts one if none runs.
    caf::replies_to<await_atom, std::uint64_t>::with<start_report>, caf::reacts_to<start_wish>,
    caf::reacts_to<code_prepared>, caf::reacts_to<again_atom>,
    // Another function needs memory: one instance that nobody needs now stops.
    caf::reacts_to<yield_atom>,
    // Memory that this one waited for may be there now, or (`false`) will not be.
    caf::reacts_to<memory_atom, bool>,
    // The function was removed: stops all instances when they have finished what they run, then itself.
    caf::reacts_to<stop_atom>,
    // The node goes down and nobody waits any more.
    caf::reacts_to<halt_atom>>;

/// One per loop. Picks an instance for each call, or queues it, or refuses it.
using router_actor = function_actor::extend<
    // A call that was queued on another loop.
    caf::replies_to<forwarded>::with<functions::outcome_ptr>,
    // A call of another node.
    caf::replies_to<linked>::with<functions::outcome_ptr>,
    // Replaces what this router knows of the catalog.
    caf::reacts_to<install_update>, caf::reacts_to<instance_ready>, caf::reacts_to<instance_gone>,
    caf::reacts_to<slot_free>, caf::reacts_to<start_failed>, caf::reacts_to<runs_elsewhere>>;

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::functions::invocation_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::functions::outcome_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::forwarded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::linked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::install_update)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::instance_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::instance_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::slot_free)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::start_failed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::runs_elsewhere)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::start_wish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::runnable)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::band_change)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::demand)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::start_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::worker_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::worker_idle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::worker_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::worker_ends_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::worker_process)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::code_prepared)
