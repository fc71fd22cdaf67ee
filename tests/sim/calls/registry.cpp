#include "registry.hpp"

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

constexpr instant look_interval{100'000};

}  // namespace

void registry::add_node() {
  const auto& made = *all_.machines.back();
  nodes_.push_back({made.id, made.name, {"10.0.0.1", static_cast<std::uint16_t>(7'000 + made.index)}, false, {}});
  ends_at_.push_back(instant{0});
}

bool registry::in_reach(std::size_t from) const {
  const auto& primary = *all_.machines.front();
  return primary.running && !primary.paused && !all_.net.is_cut(from, 0) && !all_.net.is_cut(0, from);
}

std::vector<cluster::registered_node> registry::nodes() const {
  std::vector<cluster::registered_node> present;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (!removed_.contains(i))
      present.push_back(nodes_[i]);
  return present;
}

void registry::renew(std::size_t node) {
  if (!in_reach(node))
    return;
  nodes_[node].live = true;
  nodes_[node].incarnation = all_.machines[node]->running->incarnation;
  ends_at_[node] = all_.time.now() + all_.how.session_ttl;
}

void registry::expire() {
  const bool away = !in_reach(0);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (away)
      ends_at_[i] += look_interval;
    if (nodes_[i].live && ends_at_[i] < all_.time.now()) {
      nodes_[i].live = false;
      nodes_[i].incarnation = {};
    }
  }
  all_.time.after(look_interval, [this] { expire(); });
}

}  // namespace troupe::sim::calls
