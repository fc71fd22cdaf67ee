#include "members.hpp"

#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

using cluster::member_state;

namespace {

constexpr milliseconds report_interval{1'000};
/// As in cli/node_cluster_members.
constexpr seconds authority_patience{1};
constexpr instant dial_timeout{2'000'000};
/// Reports in a row that cannot be sent, and the kernel gives the contact up.
constexpr int max_unheard = 5;

cluster::suspicion_limits limits_of(mutation defect) {
  cluster::suspicion_limits limits;
  if (defect == mutation::judge_while_late)
    limits.late_tick = std::chrono::hours{1};
  return limits;
}

}  // namespace

peers_view::peers_view(process& of)
    : of_{of}, table_{of.on.id, of.loops.size(), limits_of(of.all.defect)}, contacts_{of.on.id} {}

peers_view::~peers_view() {
  for (const auto& [peer, with] : met_)
    with->open = false;
}

void peers_view::set_nodes(std::vector<cluster::registered_node> nodes) {
  if (of_.all.defect == mutation::keep_suspects)
    for (auto& node : nodes)
      if (const auto known = table_.peers().find(node.node);
          known != table_.peers().end() && table_.state_of(node.node) == member_state::unreachable)
        node = known->second;
  change_peers([&] { return table_.set_nodes(nodes, of_.control.now()); });
  std::erase_if(pulses_, [this](const auto& entry) { return !table_.peers().contains(entry.first); });
}

void peers_view::answered(std::size_t peer, const uuid& incarnation) {
  if (of_.all.defect == mutation::trust_records || (of_.all.defect == mutation::keep_suspects && !trusts(peer)))
    return;
  change_peers([&] { return table_.answered(of_.all.machines[peer]->id, incarnation, of_.control.now()); });
}

template <class Change>
void peers_view::change_peers(Change change) {
  const auto before = table_.peers();
  const auto changes = change();
  std::vector<cluster::peer_address> peers;
  for (const auto& [node, known] : table_.peers()) {
    if (known.live)
      peers.push_back({node, known.name, known.address, known.incarnation});
    if (const auto old = before.find(node); old == before.end() || old->second.incarnation != known.incarnation)
      of_.all.heard.begins_anew(of_, of_.all.index_of(node));
  }
  tell(changes);
  if (table_.peers() == before)
    return;
  publish();
  for (const auto& node : contacts_.set(peers, of_.control.now()))
    lost(of_.all.index_of(node));
  status_.keep_only([this](const uuid& node) { return contacts_.find(node) != nullptr; });
}

void peers_view::watch(std::size_t peer, std::size_t link, std::shared_ptr<const pulse> beat) {
  const auto& node = of_.all.machines[peer]->id;
  if (!table_.peers().contains(node))
    return;
  auto& pulses = pulses_[node];
  pulses.resize(of_.loops.size());
  pulses[link] = std::move(beat);
}

void peers_view::link_changed(std::size_t peer, std::size_t link, cluster::link_phase phase, cluster::link_break why) {
  if (of_.all.tracing)
    of_.all.note(
        of_.on, "link " + std::to_string(link) + " to n" + std::to_string(peer) +
                    (phase == cluster::link_phase::up ? " is up" : " broke: " + std::to_string(static_cast<int>(why))));
  if (of_.all.defect == mutation::keep_suspects && phase == cluster::link_phase::up && !trusts(peer))
    return;
  tell(table_.link_changed(of_.all.machines[peer]->id, link, phase, why, of_.control.now()));
}

void peers_view::on_tick(time_point now) {
  std::vector<cluster::link_tick> ticks;
  for (const auto& [node, pulses] : pulses_) {
    if (of_.all.defect == mutation::keep_suspects && table_.state_of(node) == member_state::unreachable)
      continue;
    ticks.clear();
    for (const auto& beat : pulses)
      ticks.push_back(beat ? *beat : cluster::link_tick{});
    tell(table_.ticked(node, ticks));
  }
  const bool away = !of_.all.store.in_reach(of_.on.index);
  if (!away)
    authority_seen_at_ = now;
  change_peers([&] { return table_.authority_ticked(now - authority_seen_at_ >= authority_patience, now); });
  dial_due(now);
  for (const auto& node : status_.expire(now))
    changed_ = changed_ || table_.peers().contains(node);
  if (now >= next_report_)
    tell_load(now);
  if (changed_)
    publish();
  of_.all.heard.look(of_);
}

void peers_view::tell(const std::vector<cluster::member_change>& changes) {
  for (const auto& change : changes)
    of_.all.heard.changed(of_, of_.all.index_of(change.node), change);
  if (!changes.empty())
    publish();
}

bool peers_view::trusts(std::size_t peer) const {
  const auto state = table_.state_of(of_.all.machines[peer]->id);
  return state != member_state::unreachable && state != member_state::absent;
}

void peers_view::publish() {
  changed_ = false;
  const auto made = cluster::make_standings(
      table_, [this](const uuid& node) { return status_.find(node, of_.control.now()); },
      [this](const uuid&) { return of_.all.slots_per_instance; });
  for (std::size_t i = 0; i < of_.loops.size(); ++i)
    of_.loops[i]->post([&links = *of_.peers[i], made] { links.adopt(made); });
}

void peers_view::dial_due(time_point now) {
  for (const auto& peer : contacts_.due(now))
    meet(of_.all.index_of(peer.node));
}

/// Dialing, greeting and judging, as one exchange.
void peers_view::meet(std::size_t peer) {
  auto& all = of_.all;
  const auto give_up = [this, peer](instant wait) {
    of_.later(wait, [this, peer] {
      of_.control.on_socket(
          [this, peer] { contacts_.failed(of_.all.machines[peer]->id, of_.control.now(), of_.all.random.next()); });
    });
  };
  all.time.after(all.net.delay(of_.on.index, peer), [&all, peer, give_up, self = of_.on.index, life = of_.on.life] {
    auto& here = *all.machines[self];
    auto& there = *all.machines[peer];
    if (!here.running || here.life != life)
      return;
    if (!there.running || there.paused || here.paused || all.net.is_cut(self, peer) || all.net.is_cut(peer, self))
      return give_up(there.running || there.off ? dial_timeout : all.net.delay(peer, self));
    auto& caller = here.running->members;
    auto& called = there.running->members;
    using admission = cluster::peer_table::admission;
    if (called.contacts_.admit(here.id, here.running->incarnation) != admission::admitted ||
        caller.contacts_.admit(there.id, there.running->incarnation) != admission::admitted)
      return give_up(all.net.delay(peer, self));
    const auto made = std::make_shared<contact>();
    made->ends = {self, peer};
    made->lives = {life, there.life};
    called.connected(made, self);
    caller.connected(made, peer);
  });
}

void peers_view::connected(const std::shared_ptr<contact>& with, std::size_t peer) {
  if (const auto old = met_.find(peer); old != met_.end())
    old->second->open = false;
  met_[peer] = with;
  unheard_[peer] = 0;
  const auto& there = *of_.all.machines[peer];
  contacts_.connected(there.id, there.running->incarnation);
  status_.join(there.id, there.running->incarnation);
  for (const auto& each : reporter_.whole())
    send(peer, [from = of_.on.index, incarnation = of_.incarnation, each](peers_view& m) {
      m.report(from, incarnation, each);
    });
}

void peers_view::lost(std::size_t peer) {
  const auto found = met_.find(peer);
  if (found == met_.end())
    return;
  found->second->open = false;
  met_.erase(found);
  contacts_.failed(of_.all.machines[peer]->id, of_.control.now(), of_.all.random.next());
}

void peers_view::send(std::size_t peer, std::function<void(peers_view& there)> what) {
  const auto found = met_.find(peer);
  if (found == met_.end())
    return;
  auto& all = of_.all;
  if (all.net.is_cut(of_.on.index, peer)) {
    if (++unheard_[peer] >= max_unheard)
      lost(peer);
    return;
  }
  unheard_[peer] = 0;
  if (all.random.percent(all.how.lost_reports))
    return;
  all.time.after(all.net.delay(of_.on.index, peer), [&all, with = found->second, peer, what = std::move(what)] {
    auto& there = *all.machines[peer];
    const auto side = with->ends[0] == peer ? 0u : 1u;
    if (with->open && there.running && there.life == with->lives[side])
      there.running->control.on_socket([&there, what, with] { what(there.running->members); });
  });
}

void peers_view::tell_load(time_point now) {
  next_report_ = now + report_interval;
  auto load = of_.calls.load(now);
  load.state = state_;
  // The end of a contact shows at once when its process is gone, and else by what cannot be sent.
  for (const auto& [peer, with] : std::map{met_})
    if (!with->open)
      lost(peer);
  for (const auto& each : reporter_.next(load, now))
    for (const auto& [peer, with] : std::map{met_})
      send(peer, [from = of_.on.index, incarnation = of_.incarnation, each](peers_view& m) {
        m.report(from, incarnation, each);
      });
}

void peers_view::report(std::size_t from, const uuid& incarnation, const cluster::load_report& what) {
  const auto& node = of_.all.machines[from]->id;
  using verdict = cluster::peer_status::verdict;
  const auto decided = status_.apply(node, incarnation, what, of_.control.now());
  if (decided == verdict::incomplete)
    send(from, [to = of_.on.index](peers_view& there) {
      for (const auto& each : there.reporter_.whole())
        there.send(to, [from_there = there.of_.on.index, incarnation_there = there.of_.incarnation,
                        each](peers_view& m) { m.report(from_there, incarnation_there, each); });
    });
  if (decided > verdict::incomplete)
    return;
  if (const auto* load = status_.find(node, of_.control.now()))
    table_.set_state(node, load->numbers.state);
  changed_ = true;
}

void peers_view::announce_drain() {
  state_ = cluster::serving_state::draining;
  for (const auto& [peer, with] : std::map{met_})
    send(peer,
         [from = of_.on.index](peers_view& there) { there.state_noticed(from, cluster::serving_state::draining); });
}

void peers_view::state_noticed(std::size_t from, cluster::serving_state state) {
  const auto& node = of_.all.machines[from]->id;
  status_.set_state(node, state);
  table_.set_state(node, state);
  publish();
}

}  // namespace troupe::sim::calls
