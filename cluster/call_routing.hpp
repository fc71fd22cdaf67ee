// Where a call runs: here, here after a wait, at a peer, or nowhere; and whether a call that a peer did not run may be
// tried elsewhere (RULES: Cluster). Pure: who the peers are and how they stand is handed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// The node that decides for a function: the first of `nodes` in rendezvous order, which changes for as few functions
/// as possible when nodes come and go. Every node that sees the same `nodes` finds the same home.
/// @returns nil when `nodes` is empty.
uuid home_of(const uuid& function, std::span<const uuid> nodes);

/// How a peer stands towards one function, as far as this node knows.
struct peer_view {
  uuid node;
  bool usable = false;            ///< a link is up, and it is neither suspected nor draining
  std::uint32_t slots = 0;        ///< calls that its ready instances take at a time
  std::uint32_t in_flight = 0;    ///< calls that it said run or wait there
  std::uint32_t outstanding = 0;  ///< calls that this node has sent there and that are not answered
  duration queue_age{};           ///< of the oldest call that waits there
  bool starting = false;          ///< an instance there is about to be ready
  bool may_start = false;         ///< the function's maximum leaves it room for one more instance
};

/// How this node stands towards one function.
struct local_view {
  bool runs_here = false;  ///< has or can have instances of it
  bool has_slots = false;  ///< an instance here takes a call now
  bool has_instances = false;
  bool queue_full = false;
  duration queue_age{};    ///< of the oldest call that waits here
  bool limited = false;    ///< the function has a maximum of instances
  bool may_start = false;  ///< and it leaves room for one more here
  bool starting = false;   ///< an instance here is about to be ready
};

enum class call_place : std::uint8_t {
  here,     ///< an instance takes it now, or it waits here
  peer,     ///< `call_route::node`
  nowhere,  ///< refused: `errc::overloaded`
};

struct call_route {
  call_place place = call_place::here;
  uuid node;  ///< when `place` is `peer`
};

/// A call waits here this long before a peer with free slots is preferred: below it, the hop costs more than the wait.
inline constexpr milliseconds spill_age{10};

/// The home of a function, worked out when somebody asks: most calls find an instance without it.
struct home_rule {
  const uuid& function;
  std::span<const uuid> nodes;  ///< as for `home_of`
  uuid operator()() const { return home_of(function, nodes); }
};

/// @param home_by  that all nodes agree on at this moment; nil when nobody is known to be alive.
/// @param self     this node.
/// @param tried    nodes that have refused this call already; they are not asked again.
/// @param random   any 64 bits: two peers are drawn, the better one is taken (power of two choices).
call_route route_call(const local_view& here, std::span<const peer_view> peers, const home_rule& home_by,
                      const uuid& self, std::span<const uuid> tried, std::uint64_t random);

/// What became of one try at a peer.
enum class try_result : std::uint8_t {
  not_run,  ///< the peer said so, or not all bytes of the call were handed to the kernel
  unknown,  ///< the link broke when all had been handed over
};

/// Times that a call is tried at another place after the first.
inline constexpr std::size_t max_retries = 2;

/// Whether a call may be tried at another place. `idempotent`: its function was deployed so; the HTTP method does not
/// count.
bool may_retry(try_result result, std::size_t retries, time_point now, time_point deadline, bool idempotent) noexcept;

/// Whether `code`, as the answer of a peer, says that the call certainly did not run.
bool means_not_run(errc code) noexcept;

}  // namespace troupe::cluster
