#include "actors/membership.hpp"

#include <utility>

namespace troupe::actors {

membership::membership(event_loop& control, membership_config config)
    : loop_{control}, config_{std::move(config)}, table_{config_.self, config_.links, config_.suspicion} {}

membership::~membership() {
  stop();
}

void membership::start() {
  started_ = true;
  loop_.add_tick(*this);
}

void membership::stop() {
  if (std::exchange(started_, false))
    loop_.remove_tick(*this);
}

void membership::set_nodes(const std::vector<cluster::registered_node>& nodes) {
  for (const auto& node : nodes)
    names_[node.node] = node.name;
  const auto before = table_.peers();
  const auto changes = table_.set_nodes(nodes, loop_.now());
  tell(changes);
  std::erase_if(pulses_, [this](const auto& entry) { return !table_.peers().contains(entry.first); });
  std::erase_if(names_, [this](const auto& entry) { return !table_.peers().contains(entry.first); });
  // Loops dial whom they do not know yet: they hear of it at once.
  if (table_.peers() != before)
    publish();
}

void membership::watch(const uuid& node, std::size_t link, std::shared_ptr<const link_pulse> pulse) {
  if (!table_.peers().contains(node))
    return;
  auto& pulses = pulses_[node];
  pulses.resize(config_.links);
  pulses[link] = std::move(pulse);
}

void membership::link_changed(const uuid& node, std::size_t link, const link_change& change) {
  const auto now = loop_.now();
  switch (change.phase) {
    case link_phase::up: tell(table_.opened(node, link, now)); break;
    case link_phase::broken:
      tell(change.why == link_break::refused ? table_.refused(node, link, now) : table_.closed(node, link, now));
      break;
    case link_phase::connecting:
    case link_phase::stopped: break;
  }
}

void membership::load_changed(const uuid& node) {
  if (const auto* load = config_.load_of(node))
    table_.set_state(node, load->numbers.state);
  changed_ = true;
}

void membership::state_noticed(const uuid& node, cluster::serving_state state) {
  table_.set_state(node, state);
  publish();
}

void membership::on_tick(time_point) {
  for (const auto& [node, pulses] : pulses_)
    for (std::size_t link = 0; link < pulses.size(); ++link)
      if (const auto& pulse = pulses[link])
        tell(table_.ticked(node, link, time_point{duration{pulse->heard_at_ns.load(std::memory_order_relaxed)}},
                           time_point{duration{pulse->ticked_at_ns.load(std::memory_order_relaxed)}}));
  if (changed_)
    publish();
}

void membership::tell(const std::vector<cluster::member_change>& changes) {
  for (const auto& change : changes)
    config_.on_change(change, name_of(change.node));
  if (!changes.empty())
    publish();
}

std::string membership::name_of(const uuid& node) const {
  const auto found = names_.find(node);
  return found == names_.end() ? to_string(node) : found->second;
}

peer_standing membership::standing_of(const cluster::registered_node& peer) const {
  peer_standing standing;
  standing.node = peer.node;
  standing.name = peer.name;
  standing.address = peer.address;
  standing.usable = table_.state_of(peer.node) == cluster::member_state::alive;
  const auto* load = config_.load_of(peer.node);
  if (load == nullptr)
    return standing;
  for (const auto& [function, there] : load->functions) {
    function_at_peer at;
    at.slots = there.ready * config_.slots_per_instance(function);
    at.in_flight = there.outstanding;
    at.queue_age = milliseconds{there.queue_age_ms};
    at.starting = there.starting > 0;
    at.may_start = there.band.max > there.ready + there.starting;
    standing.functions.emplace(function, at);
  }
  return standing;
}

void membership::publish() {
  changed_ = false;
  auto next = std::make_shared<peer_standings>();
  for (const auto& [node, peer] : table_.peers())
    next->peers.push_back(standing_of(peer));
  next->homes = table_.homes();
  config_.publish(std::move(next));
}

}  // namespace troupe::actors
