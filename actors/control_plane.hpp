// A node's contact with its peers for control: dials them, tells them its load, carries requests between them. It is
// given the list of peers and says what it learns by callbacks; it knows neither the store nor the links, and a lost
// contact is no suspicion: it dials again.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actors/control_plane_config.hpp"
#include "actors/control_plane_surroundings.hpp"
#include "actors/dialer.hpp"
#include "actors/event_loop.hpp"
#include "actors/node_agent.hpp"
#include "actors/pending_requests.hpp"
#include "cluster/node_event.hpp"
#include "cluster/node_load.hpp"
#include "cluster/peer_status.hpp"
#include "cluster/peer_table.hpp"

namespace troupe::actors {

/// Made, started and destroyed from one thread; its other methods belong to the control loop.
class control_plane final : private agent_listener, private tick_listener {
public:
  /// The system was made from a configuration that `prepare_control_plane` had filled with these options.
  control_plane(caf::actor_system& system, event_loop& control, node_identity self, control_plane_options options,
                control_plane_surroundings around);
  ~control_plane();

  /// Listens and begins to serve; waits a moment for CAF's thread, so not from a loop. @returns the address with the
  /// real port. Errors: `io`, `bad_setting`, `bug`.
  expected<endpoint> start();
  /// Closes the port and every contact; no callback comes after it, what still waits fails with `unavailable` within
  /// it. The agent has ended when the system's count of running actors has gone down; the object may go at once.
  void stop();

  /// As `node_agent::set_cluster`.
  void set_cluster(const uuid& cluster);
  /// Replaces the list of those to be in contact with.
  void set_peers(const std::vector<cluster::peer_address>& peers);
  bool is_connected(const uuid& node) const { return contacts_.contains(node); }
  const cluster::peer_status& peers() const noexcept { return status_; }
  std::size_t contacts() const noexcept { return contacts_.size(); }
  const pending_requests& requests() const noexcept { return requests_; }

  /// Has a peer run a function, within a band or to start an instance; the number of the request is filled in. `done`
  /// comes once: success when the peer keeps to the band or starts; `unavailable` without contact (the peer knows
  /// nothing of it); `unknown_outcome` when the contact was lost meanwhile; `budget_spent` at the deadline;
  /// `overloaded`; or the peer's own answer.
  void spawn_supervisor(const uuid& node, spawn_request what, time_point deadline,
                        std::function<void(expected<void>)> done);
  /// Asks a peer for its recent events, or for those lines of a function's log that it has. Errors as above.
  /// @param function  nil for events.
  void ask_events(const uuid& node, const uuid& function, std::uint64_t after, std::uint32_t limit, time_point deadline,
                  std::function<void(expected<cluster::event_page>)> done);
  /// Tells the node that asked how the start went. Errors: `unavailable`.
  expected<void> report_function(const uuid& node, const function_report& report);
  /// What the node says of its load has changed in a way that others should know soon: they are told at once, or after
  /// many such changes once in each `control_plane_options::status_pause`.
  void load_moved();
  /// Tells all peers that this node drains, or serves again, before the next report does.
  void announce(cluster::serving_state state);

private:
  struct attempt {
    std::unique_ptr<dialer> socket;
    std::shared_ptr<connection_switch> ends;  ///< once the connection stands
    time_point deadline = time_point::max();
    std::uint64_t number = 0;
  };
  struct contact {
    uuid incarnation;
    std::shared_ptr<connection_switch> ends;  ///< null when the peer dialed
  };

  expected<void> admit(const introduction& who, const uuid& incarnation) override;
  void on_open(const uuid& node, const uuid& incarnation) override;
  void on_closed(const uuid& node, const error& why) override;
  void on_not_opened(const uuid& node, const error& why) override;
  void on_envelope(const uuid& node, const uuid& incarnation, const envelope& message) override;
  void on_stranger(const error& why) override;
  void on_tick(time_point now) override;

  void dial(const cluster::peer_address& peer);
  void on_dialed(const uuid& node, std::uint64_t number, expected<int> descriptor);
  void hand_over(const uuid& node, std::uint64_t number, std::shared_ptr<connection_switch> ends, int descriptor);
  void give_up(const uuid& node, const error& why);
  void cut(const std::shared_ptr<connection_switch>& ends);
  void lose(const uuid& node, const error& why, const error& for_requests);
  void tell_load(time_point now);

  void on_status(const uuid& node, const uuid& incarnation, const envelope& message);
  void on_spawn(const uuid& node, const uuid& incarnation, const envelope& message);
  void on_events_request(const uuid& node, const envelope& message);
  void answer(const uuid& node, std::uint64_t request, const expected<void>& result);
  void ask(const uuid& node, envelope_kind kind, time_point deadline, pending_requests::continuation done,
           const std::function<std::string(std::uint64_t request)>& body);
  /// Sends what does not matter if the contact is lost: then the peer hears it anew, or not at all.
  void tell(const uuid& node, envelope_kind kind, std::string body);

  caf::actor_system& system_;
  event_loop& loop_;
  const node_identity self_;
  const control_plane_options options_;
  const control_plane_surroundings around_;
  caf::actor broker_;
  node_agent_actor agent_handle_;
  node_agent* agent_ = nullptr;
  std::uint16_t port_ = 0;

  cluster::peer_table table_;
  cluster::peer_status status_;
  cluster::load_reporter reporter_;
  pending_requests requests_;
  std::unordered_map<uuid, attempt> attempts_;
  std::unordered_map<uuid, contact> contacts_;
  std::uint64_t last_attempt_ = 0;
  time_point next_status_{};
  time_point paced_until_{};  ///< the reports told are paid for by then, one each `status_pause`
  time_point next_stranger_log_{};
  std::uint64_t strangers_ = 0;
  /// Jobs that come back from the middleman's thread find out by it that nobody waits any more.
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
};

}  // namespace troupe::actors
