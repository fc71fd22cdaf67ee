// Calls from the control loop to other nodes (code, store): a link to a peer is dialed when somebody first asks
// something there and hung up when nobody did for a while. Invocations have links of their own (peer_calls).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "actors/node_link.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

struct control_links_config {
  /// How to link to a peer, with purpose `control` in its hello; address and `on_change` are filled in.
  std::function<node_link_config(const uuid& peer)> link_to;
  std::size_t max_waiting = 64;       ///< calls to one peer that wait until its link is up
  milliseconds idle_timeout{60'000};  ///< without a call: the link is hung up
};

/// On the control loop only.
class control_links final : private tick_listener {
public:
  control_links(event_loop& control, control_links_config config);
  ~control_links();
  control_links(const control_links&) = delete;
  control_links& operator=(const control_links&) = delete;

  void start();
  /// Ends all calls: `not_run` or `lost`.
  void stop();
  /// Who can be called, and where. Calls to others end.
  void set_peers(const std::map<uuid, endpoint>& peers);

  /// `done` runs exactly once, and later: within its deadline or a tick of it while the call waits for the link.
  /// @returns `link_down` for an unknown peer, `overloaded` beyond `max_waiting`, or what `node_link::call` says; then
  /// `done` is not used.
  expected<void> call(const uuid& peer, cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                      call_callback done);
  /// Links that are up or dialing.
  std::size_t links() const noexcept;

private:
  struct waiting_call {
    cluster::link_topic topic;
    buffer head;
    buffer body;
    time_point deadline;
    call_callback done;
  };
  struct peer_entry {
    endpoint address;
    std::unique_ptr<node_link> link;  ///< null: not needed at present
    std::deque<waiting_call> waiting;
    time_point used_at{};
  };

  void on_tick(time_point now) override;
  void on_change(const uuid& peer, link_phase phase, const std::string& detail);
  void dial(const uuid& peer, peer_entry& entry);
  void send_waiting(peer_entry& entry);
  void refuse_waiting(peer_entry& entry, errc code, const std::string& detail);
  void hang_up(peer_entry& entry);

  event_loop& loop_;
  const control_links_config config_;
  std::map<uuid, peer_entry> peers_;
  bool started_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::actors
