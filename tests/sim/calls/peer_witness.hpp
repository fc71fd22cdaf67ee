// Sees what comes from whom, what goes wrong where, and whom each node trusts, and ends the run of the simulator when
// a node is suspected too late, too early or in vain. Knows what really happened, by one clock.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cluster/member_table.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class process;
class world;

class peer_witness {
public:
  explicit peer_witness(world& all) : all_{all} {}
  void prepare(std::size_t nodes, std::size_t loops);

  // What happens to nodes and between them
  void troubles(std::size_t node);  ///< it stops, goes on, or a loop of it does
  void troubles(std::size_t one, std::size_t other);
  void wakes(std::size_t node, instant after);
  void dies(std::size_t node);
  void starts(std::size_t node);
  instant last_trouble(std::size_t node) const { return nodes_[node].trouble_at; }

  // What `of` sees of its peers
  void came(const process& of, std::size_t loop, std::size_t peer);
  void opened(const process& of, std::size_t loop, std::size_t peer);
  /// The records name another life of the peer, or the peer for the first time.
  void begins_anew(const process& of, std::size_t peer);
  void changed(const process& of, std::size_t peer, const cluster::member_change& change);
  void sends(const process& of, std::size_t loop, std::size_t peer);
  /// At each tick of its control loop.
  void look(const process& of);

private:
  struct node_seen {
    instant trouble_at{0};  ///< the last one
    instant started_at{0};
    instant woke_at{-60'000'000};  ///< from a pause that no tick could miss
  };
  struct pair_seen {
    std::vector<instant> heard_at;    ///< by loop
    instant gap_end_at{-60'000'000};  ///< of the last long silence on all links
    instant opened_at{0};
    instant anew_at{0};
    instant suspected_at{-1};  ///< trusted when negative
    instant trouble_at{-60'000'000};
    instant heard() const;
  };
  pair_seen& of_pair(std::size_t observer, std::size_t peer) { return pairs_[observer * nodes_.size() + peer]; }
  void forget_all_of(std::size_t observer);
  void must_be_suspected_soon(std::size_t dead);
  bool is_rough(std::size_t one, std::size_t other);
  bool has_cause(std::size_t observer, std::size_t peer);

  world& all_;
  std::vector<node_seen> nodes_;
  std::vector<pair_seen> pairs_;
};

}  // namespace troupe::sim::calls
