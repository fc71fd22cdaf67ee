// The links of one loop to all peers and the calls on them, as actors/peer_calls has them.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "cluster/peer_standing.hpp"
#include "dialer.hpp"
#include "request.hpp"

namespace troupe::sim::calls {

enum class remote_end : std::uint8_t { ran, not_run, unknown };
struct remote_result {
  remote_end end = remote_end::unknown;
  outcome what;
};

class peer_links {
public:
  peer_links(process& of, loop& on);
  void adopt(cluster::peer_standings_ptr standings);
  cluster::call_route choose(const uuid& function, const cluster::local_view& here, const std::vector<uuid>& tried);
  void run(const uuid& node, work_ptr call, std::size_t attempt, std::function<void(remote_result)> done);
  void on_tick(time_point now);

  bool is_empty() const;
  const dialer* to(const uuid& node) const;
  template <class Look>
  void each(Look look) const {
    for (const auto& [node, peer] : peers_)
      look(node, *peer.link);
  }

private:
  struct peer_entry {
    std::shared_ptr<dialer> link;
    bool usable = false;
    std::unordered_map<uuid, std::uint32_t> outstanding;
  };
  struct sent_call {
    uuid node;
    std::uint64_t id = 0;
    work_ptr call;
    uuid function;
    std::function<void(remote_result)> done;
  };
  void end(std::uint64_t key, call_result result);

  process& of_;
  loop& loop_;
  cluster::peer_standings_ptr standings_ = std::make_shared<cluster::peer_standings>();
  std::map<uuid, peer_entry> peers_;
  std::map<std::uint64_t, sent_call> sent_;
  std::uint64_t next_key_ = 1;
};

}  // namespace troupe::sim::calls
