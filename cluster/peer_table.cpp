#include "cluster/peer_table.hpp"

#include <algorithm>

namespace troupe::cluster {

std::vector<uuid> peer_table::set(const std::vector<peer_address>& peers, time_point now) {
  std::vector<uuid> cut;
  std::unordered_map<uuid, entry> kept;
  for (const auto& peer : peers) {
    if (peer.node == self_)
      continue;
    const auto found = peers_.find(peer.node);
    if (found == peers_.end()) {
      kept[peer.node] = {peer, phase::apart, now, 0, {}};
      continue;
    }
    auto next = found->second;
    if (!is_same(next, peer)) {
      if (next.now != phase::apart)
        cut.push_back(peer.node);
      next = {peer, phase::apart, now, 0, {}};
    }
    next.address = peer;
    kept[peer.node] = std::move(next);
  }
  for (const auto& [node, known] : peers_)
    if (!kept.contains(node) && known.now != phase::apart)
      cut.push_back(node);
  peers_ = std::move(kept);
  return cut;
}

bool peer_table::is_same(const entry& known, const peer_address& peer) {
  if (known.address.control != peer.control)
    return false;
  return peer.incarnation == uuid{} || peer.incarnation == known.address.incarnation ||
         (known.now == phase::connected && peer.incarnation == known.met);
}

std::vector<peer_address> peer_table::due(time_point now) {
  std::vector<peer_address> result;
  for (auto& [node, known] : peers_) {
    if (known.now != phase::apart || known.dial_at > now || node < self_)
      continue;
    known.now = phase::dialing;
    result.push_back(known.address);
  }
  return result;
}

peer_table::admission peer_table::admit(const uuid& node, const uuid& incarnation) const {
  const auto found = peers_.find(node);
  if (found == peers_.end())
    return admission::unknown_node;
  const auto& expected = found->second.address.incarnation;
  return expected == uuid{} || expected == incarnation ? admission::admitted : admission::other_incarnation;
}

void peer_table::connected(const uuid& node, const uuid& incarnation) {
  const auto found = peers_.find(node);
  if (found == peers_.end())
    return;
  found->second.now = phase::connected;
  found->second.failures = 0;
  found->second.met = incarnation;
}

void peer_table::failed(const uuid& node, time_point now, std::uint64_t random) {
  const auto found = peers_.find(node);
  if (found == peers_.end())
    return;
  auto& known = found->second;
  const auto doublings = std::min(known.failures, 16u);
  const auto wait = std::min(redial_.longest, redial_.first * (1u << doublings));
  // Between half of it and all of it: peers that lost each other at once do not come back at once.
  const auto half = std::max<std::int64_t>(wait.count() / 2, 1);
  known.dial_at = now + milliseconds{half + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(half + 1))};
  known.now = phase::apart;
  ++known.failures;
}

const peer_address* peer_table::find(const uuid& node) const {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : &found->second.address;
}

}  // namespace troupe::cluster
