// Which peers a node should be in contact with, and when it dials one: pure decisions, no socket. Only the node with
// the smaller id dials, since connections that cross each other end both. What a lost contact means for the peer's
// calls is not decided here.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "config/clock.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::cluster {

/// Where a peer's control plane listens, as the records say.
struct peer_address {
  uuid node;
  std::string name;
  endpoint control;
  uuid incarnation;  ///< nil when not known yet: the one that answers is believed
};

struct redial_limits {
  milliseconds first{100};  ///< wait after the first failure
  milliseconds longest{5'000};
};

class peer_table {
public:
  using limits = redial_limits;

  explicit peer_table(const uuid& self, limits redial = {}) : self_{self}, redial_{redial} {}

  /// Replaces the list; this node itself in it is ignored. @returns nodes whose contact must be cut: they left the
  /// list, or are another incarnation or at another address now.
  std::vector<uuid> set(const std::vector<peer_address>& peers, time_point now);
  /// Peers to dial now; they count as being dialed until `connected` or `failed`.
  std::vector<peer_address> due(time_point now);

  /// Whether a node that says that it is this incarnation is the peer of the list.
  enum class admission : std::uint8_t { admitted, unknown_node, other_incarnation };
  admission admit(const uuid& node, const uuid& incarnation) const;
  /// In contact with this incarnation.
  void connected(const uuid& node, const uuid& incarnation);
  /// The dialing failed or the contact was lost. @param random  any 64 bits, for the jitter.
  void failed(const uuid& node, time_point now, std::uint64_t random);

  const peer_address* find(const uuid& node) const;

private:
  enum class phase : std::uint8_t { apart, dialing, connected };
  struct entry {
    peer_address address;
    phase now = phase::apart;
    time_point dial_at{};
    unsigned failures = 0;
    uuid met;  ///< the incarnation in contact
  };

  static bool is_same(const entry& known, const peer_address& peer);

  uuid self_;
  limits redial_;
  std::unordered_map<uuid, entry> peers_;
};

}  // namespace troupe::cluster
