#include "cluster/member_table.hpp"

#include <utility>

namespace troupe::cluster {

std::string_view to_string(member_state state) noexcept {
  switch (state) {
    case member_state::alive: return "alive";
    case member_state::stalled: return "stalled";
    case member_state::draining: return "draining";
    case member_state::unreachable: return "unreachable";
    case member_state::absent: return "absent";
  }
  return "absent";
}

std::vector<member_change> member_table::set_nodes(const std::vector<registered_node>& nodes, time_point now) {
  const auto before = std::exchange(records_, {});
  for (const auto& node : nodes)
    if (node.node != self_)
      records_.emplace(node.node, node);
  std::erase_if(answering_, [&](const auto& each) {
    const auto& [id, incarnation] = each;
    const auto record = records_.find(id);
    if (record == records_.end())
      return true;
    const auto old = before.find(id);
    // The record is the newer word, unless it is the same one.
    return old != before.end() && record->second.live && record->second.incarnation != old->second.incarnation &&
           record->second.incarnation != incarnation;
  });
  return settle(now);
}

std::vector<member_change> member_table::answered(const uuid& node, const uuid& incarnation, time_point now) {
  if (!records_.contains(node))
    return {};
  answering_[node] = incarnation;
  return settle(now);
}

std::vector<member_change> member_table::authority_ticked(bool away, time_point now) {
  if (authority_away_ && !away)
    guests_until_ = now + guest_time;
  authority_away_ = away;
  if (away)
    for (const auto& [id, record] : records_)
      if (!record.live && answers(id))
        guests_.insert(id);
  if (!away && now >= guests_until_)
    guests_.clear();
  return settle(now);
}

bool member_table::answers(const uuid& node) const {
  const auto known = standings_.find(node);
  if (known == standings_.end() || !answering_.contains(node))
    return false;
  for (std::size_t link = 0; link < links_; ++link)
    if (known->second.suspicion.open(link))
      return true;
  return false;
}

/// A registered node as it is to be taken now.
registered_node member_table::present(const uuid& node) const {
  auto taken = records_.at(node);
  taken.live = taken.live || guests_.contains(node);
  if (const auto life = answering_.find(node); taken.live && life != answering_.end())
    taken.incarnation = life->second;
  return taken;
}

/// What has changed since the last time.
std::vector<member_change> member_table::settle(time_point now) {
  std::erase_if(guests_, [this](const uuid& id) { return !records_.contains(id) || records_.at(id).live; });
  std::map<uuid, registered_node> next;
  std::vector<member_change> changes;
  for (const auto& [id, record] : records_) {
    const auto node = present(id);
    const auto before = peers_.find(id);
    const bool was_live = before != peers_.end() && before->second.live;
    if (before == peers_.end() || before->second.incarnation != node.incarnation)
      if (renew(id, now) && was_live && node.live)
        changes.push_back({id, member_change::kind::healed});
    if (node.live != was_live)
      changes.push_back({id, node.live ? member_change::kind::joined : member_change::kind::left});
    next.emplace(id, node);
  }
  for (const auto& [id, node] : peers_)
    if (!next.contains(id)) {
      changes.push_back({id, member_change::kind::removed});
      standings_.erase(id);
    }
  peers_ = std::move(next);
  return changes;
}

/// A node that came back is somebody else: what was held against its earlier life does not count. Links to it may be
/// open already, since they come before its session; one that ends with the earlier life says so itself.
/// @returns whether it had been suspected.
bool member_table::renew(const uuid& node, time_point now) {
  standing fresh{suspicion{links_, limits_, now}};
  bool suspected = false;
  if (const auto old = standings_.find(node); old != standings_.end()) {
    suspected = old->second.suspicion.suspected();
    for (std::size_t link = 0; link < links_; ++link)
      if (old->second.suspicion.open(link))
        fresh.suspicion.opened(link, now);
  }
  standings_.insert_or_assign(node, std::move(fresh));
  return suspected;
}

/// `judge` is told the suspicion of a registered peer.
template <class Judge>
std::vector<member_change> member_table::judged(const uuid& node, Judge judge) {
  const auto found = standings_.find(node);
  if (found == standings_.end())
    return {};
  auto& suspected = found->second.suspicion;
  switch (judge(suspected)) {
    case suspicion_change::none: return {};
    case suspicion_change::suspected: return {{node, member_change::kind::suspected, suspected.reason()}};
    case suspicion_change::healed: return {{node, member_change::kind::healed}};
  }
  return {};
}

std::vector<member_change> member_table::link_changed(const uuid& node, std::size_t link, link_phase phase,
                                                      link_break why, time_point now) {
  switch (phase) {
    case link_phase::up: return opened(node, link, now);
    case link_phase::broken: return why == link_break::refused ? refused(node, link, now) : closed(node, link, now);
    case link_phase::connecting:
    case link_phase::stopped: break;
  }
  return {};
}

std::vector<member_change> member_table::opened(const uuid& node, std::size_t link, time_point now) {
  return judged(node, [&](suspicion& of) { return of.opened(link, now); });
}

std::vector<member_change> member_table::closed(const uuid& node, std::size_t link, time_point now) {
  return judged(node, [&](suspicion& of) { return of.closed(link, now); });
}

std::vector<member_change> member_table::refused(const uuid& node, std::size_t link, time_point now) {
  return judged(node, [&](suspicion& of) { return of.refused(link, now); });
}

std::vector<member_change> member_table::ticked(const uuid& node, std::span<const link_tick> links) {
  return judged(node, [&](suspicion& of) { return of.ticked(links); });
}

void member_table::set_state(const uuid& node, serving_state state) {
  if (const auto found = standings_.find(node); found != standings_.end())
    found->second.state = state;
}

member_state member_table::state_of(const uuid& node) const {
  const auto peer = peers_.find(node);
  if (peer == peers_.end() || !peer->second.live)
    return member_state::absent;
  const auto& known = standings_.at(node);
  if (known.suspicion.suspected())
    return member_state::unreachable;
  switch (known.state) {
    case serving_state::serving: return member_state::alive;
    case serving_state::stalled: return member_state::stalled;
    case serving_state::draining: break;
  }
  return member_state::draining;
}

/// By id: this node and the peers that `fits`.
template <class Fits>
std::vector<uuid> member_table::with_self(Fits fits) const {
  std::vector<uuid> nodes;
  bool self_placed = false;
  for (const auto& [id, node] : peers_) {
    if (!self_placed && self_ < id) {
      nodes.push_back(self_);
      self_placed = true;
    }
    if (fits(id))
      nodes.push_back(id);
  }
  if (!self_placed)
    nodes.push_back(self_);
  return nodes;
}

std::vector<uuid> member_table::homes() const {
  return with_self([this](const uuid& id) {
    const auto state = state_of(id);
    return state == member_state::alive || state == member_state::stalled;
  });
}

std::vector<uuid> member_table::live() const {
  return with_self([this](const uuid& id) { return state_of(id) != member_state::absent; });
}

}  // namespace troupe::cluster
