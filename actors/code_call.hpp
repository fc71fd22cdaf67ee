// How what fetches and spreads code reaches other nodes: as a function, so that neither knows whose links those are.
#pragma once

#include <functional>

#include "actors/link_call.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

/// Sends a call of topic `code` to a peer. On the control loop only; `done` runs there exactly once, and later.
/// @returns why the call did not run (no link to the peer, or what `node_link::call` says); then `done` is not used.
using code_call =
    std::function<expected<void>(const uuid& peer, buffer head, buffer body, time_point deadline, call_callback done)>;

}  // namespace troupe::actors
