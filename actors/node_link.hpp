// The link of one loop to one peer, dialing side: connects, says hello, carries this loop's calls, dials again when it
// broke. A plain object that lives on its loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "actors/link_counts.hpp"
#include "actors/stream_cipher.hpp"
#include "cluster/link_dialing.hpp"
#include "cluster/link_event.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

using cluster::link_break;
using cluster::link_phase;

/// What other threads may look at.
struct link_pulse {
  std::atomic<link_phase> phase{link_phase::stopped};
  std::atomic<std::int64_t> heard_at_ns{0};   ///< steady clock; of the last frame
  std::atomic<std::int64_t> ticked_at_ns{0};  ///< of the loop's last tick
  std::atomic<std::uint32_t> round_trip_us{0};
  std::atomic<std::uint32_t> calls{0};  ///< unanswered
  link_counts counts;
};

struct link_change {
  link_phase phase = link_phase::stopped;
  link_break why = link_break::none;
  std::string detail;
};

struct node_link_config {
  endpoint peer;
  std::string from_host;  ///< own address to dial from; empty: the system's choice
  /// Asked before each dial: the hello as of now.
  std::function<cluster::link_hello()> hello;
  /// Looks at the peer's hello; an error ends the link as `rejected`. Empty: anybody whose version fits.
  std::function<expected<void>(const cluster::link_hello& peer)> accept;
  /// Told of each change, on the loop; must not destroy the link. May be empty.
  std::function<void(const link_change&)> on_change;
  /// For each dial; empty: plain.
  std::function<std::unique_ptr<stream_cipher>()> make_cipher;
  cluster::link_limits limits;
  cluster::dial_limits dialing;
  milliseconds user_timeout{5000};  ///< sent and not acknowledged by the peer's kernel: broken
};

class node_link {
public:
  /// Begins with `start`. The services answer what the peer calls on this link; null: everything is refused.
  node_link(event_loop& loop, node_link_config config, const link_services* services = nullptr);
  ~node_link();
  node_link(const node_link&) = delete;
  node_link& operator=(const node_link&) = delete;

  // -- on the loop's thread only
  void start();
  /// Ends the calls (`not_run` or `lost`) and the link; `start` may follow.
  void stop();
  /// Dials at once if it waits to dial again.
  void poke();
  /// A different address from the next dial on; the present link stays.
  void set_peer(endpoint peer);

  /// Sends a call. `done` runs exactly once, later and on the loop, unless `cancel` comes first. It may make calls and
  /// stop this link, but not destroy it.
  /// @returns the call's id, or why it did not run (`link_down`, `draining`, `overloaded`, `budget_spent`,
  /// `payload_too_large`); then `done` is not used.
  expected<std::uint64_t> call(cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                               call_callback done);
  /// `done` will not run any more; the peer is told. A call that has ended is passed over.
  void cancel(std::uint64_t call);

  link_phase phase() const noexcept;
  /// Whether `call` would send.
  bool takes_calls() const noexcept;
  /// Of the present link: empty before its hello.
  std::shared_ptr<const cluster::link_hello> peer_hello() const;
  duration round_trip() const noexcept;
  std::size_t calls() const noexcept;

  /// From any thread.
  std::shared_ptr<const link_pulse> pulse() const noexcept;

private:
  class dialer;
  std::unique_ptr<dialer> dialer_;
};

}  // namespace troupe::actors
