#include "actors/membership.hpp"

#include <utility>

namespace troupe::actors {

namespace {

/// Between two pictures for the loops that reports of peers bring; what comes sooner waits for the tick.
constexpr milliseconds publish_pause{10};

cluster::link_tick tick_of(const link_pulse& pulse) {
  return {time_point{duration{pulse.heard_at_ns.load(std::memory_order_relaxed)}},
          time_point{duration{pulse.ticked_at_ns.load(std::memory_order_relaxed)}}};
}

}  // namespace

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
  change_peers([&] { return table_.set_nodes(nodes, loop_.now()); });
  std::erase_if(pulses_, [this](const auto& entry) { return !table_.peers().contains(entry.first); });
  std::erase_if(names_, [this](const auto& entry) { return !table_.peers().contains(entry.first); });
}

void membership::answered(const uuid& node, const uuid& incarnation) {
  change_peers([&] { return table_.answered(node, incarnation, loop_.now()); });
}

/// Loops dial whom they do not know yet: they hear of a new peer at once.
template <class Change>
void membership::change_peers(Change change) {
  const auto before = table_.peers();
  const auto changes = change();
  tell(changes);
  if (table_.peers() == before)
    return;
  publish();
  config_.peers_changed();
}

void membership::watch(const uuid& node, std::size_t link, std::shared_ptr<const link_pulse> pulse) {
  if (!table_.peers().contains(node))
    return;
  auto& pulses = pulses_[node];
  pulses.resize(config_.links);
  pulses[link] = std::move(pulse);
}

void membership::link_changed(const uuid& node, std::size_t link, const link_change& change) {
  tell(table_.link_changed(node, link, change.phase, change.why, loop_.now()));
}

void membership::load_changed(const uuid& node) {
  if (const auto* load = config_.load_of(node))
    table_.set_state(node, load->numbers.state);
  changed_ = true;
  // An instance that is there must not be looked for elsewhere until the next tick.
  if (loop_.now() - published_at_ >= publish_pause)
    publish();
}

void membership::state_noticed(const uuid& node, cluster::serving_state state) {
  table_.set_state(node, state);
  publish();
}

void membership::on_tick(time_point now) {
  std::vector<cluster::link_tick> ticks;
  for (const auto& [node, pulses] : pulses_) {
    ticks.clear();
    for (const auto& pulse : pulses)
      ticks.push_back(pulse ? tick_of(*pulse) : cluster::link_tick{});
    tell(table_.ticked(node, ticks));
  }
  change_peers([&] { return table_.authority_ticked(config_.authority_away(), now); });
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

void membership::publish() {
  changed_ = false;
  published_at_ = loop_.now();
  config_.publish(cluster::make_standings(table_, config_.load_of, config_.slots_per_instance));
}

}  // namespace troupe::actors
