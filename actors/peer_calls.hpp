// The calls of one loop that run at other nodes: its links to them, what it has sent where, and which peer is the
// better place for the next one. Who the peers are and how they stand comes from the control loop as an immutable view.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/node_link.hpp"
#include "actors/remote_calls.hpp"
#include "cluster/call_routing.hpp"
#include "cluster/peer_standing.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

using cluster::peer_standing;
using cluster::peer_standings;
using cluster::peer_standings_ptr;

struct peer_calls_config {
  uuid self;
  /// How this loop links to a peer; the address is filled in from its standing.
  std::function<node_link_config(const peer_standing& peer)> link_to;
  /// A link was made: how it does can be read from any thread. May be empty.
  std::function<void(const uuid& node, std::shared_ptr<const link_pulse> pulse)> on_link;
};

class peer_calls final : public remote_calls, private tick_listener {
public:
  peer_calls(event_loop& loop, peer_calls_config config);
  ~peer_calls();
  peer_calls(const peer_calls&) = delete;
  peer_calls& operator=(const peer_calls&) = delete;

  // -- on the loop's thread only
  void start();
  /// Ends the links; calls that are under way end as the links say.
  void stop();
  /// Dials whom it does not know yet and hangs up on whom it no longer knows.
  void adopt(peer_standings_ptr standings);

  cluster::call_route choose(const uuid& function, const cluster::local_view& here,
                             std::span<const uuid> tried) override;
  void run(const uuid& node, functions::invocation_ptr call, std::function<void(remote_result)> done) override;

private:
  struct peer_entry {
    std::unique_ptr<node_link> link;
    endpoint address;
    bool usable = false;
    std::unordered_map<uuid, std::uint32_t>
        outstanding;  ///< calls sent and not answered, by function; zeros until a tick
  };
  struct sent_call {
    uuid node;
    std::uint64_t id = 0;  ///< of the link
    functions::invocation_ptr call;
    std::function<void(remote_result)> done;
  };

  void on_tick(time_point now) override;
  void end(std::uint64_t key, call_result result);
  remote_result result_of(call_result result, const uuid& node) const;
  std::string name_of(const uuid& node) const;
  std::span<const cluster::peer_view> views_of(const uuid& function);
  void retire(std::unique_ptr<node_link> link);

  event_loop& loop_;
  const peer_calls_config config_;
  peer_standings_ptr standings_ = std::make_shared<peer_standings>();
  std::unordered_map<uuid, peer_entry> peers_;
  std::unordered_map<std::uint64_t, sent_call> sent_;
  std::vector<cluster::peer_view> views_;  ///< room for the next choice
  std::uint64_t next_key_ = 1;
  bool started_ = false;
};

}  // namespace troupe::actors
