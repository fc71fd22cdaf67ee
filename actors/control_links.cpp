#include "actors/control_links.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

control_links::control_links(event_loop& control, control_links_config config)
    : loop_{control}, config_{std::move(config)} {}

control_links::~control_links() {
  stop();
  *alive_ = false;
}

void control_links::start() {
  if (!std::exchange(started_, true))
    loop_.add_tick(*this);
}

void control_links::stop() {
  if (!std::exchange(started_, false))
    return;
  loop_.remove_tick(*this);
  for (auto& [peer, entry] : peers_)
    hang_up(entry);
  peers_.clear();
}

void control_links::set_peers(const std::map<uuid, endpoint>& peers) {
  if (!started_)
    return;
  for (const auto& [peer, address] : peers) {
    auto& entry = peers_[peer];
    if (entry.link && entry.address != address)
      entry.link->set_peer(address);
    entry.address = address;
  }
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    const bool known = peers.contains(entry->first);
    if (!known)
      hang_up(entry->second);
    entry = known ? std::next(entry) : peers_.erase(entry);
  }
}

expected<void> control_links::call(const uuid& peer, cluster::link_topic topic, buffer head, buffer body,
                                   time_point deadline, call_callback done) {
  const auto found = peers_.find(peer);
  if (found == peers_.end())
    return fail(errc::link_down, "there is no such node in this node's view of the cluster");
  auto& entry = found->second;
  entry.used_at = loop_.now();
  if (entry.link && entry.link->phase() == link_phase::up)
    return entry.link->call(topic, std::move(head), std::move(body), deadline, std::move(done)).map([](std::uint64_t) {
    });
  if (entry.waiting.size() >= config_.max_waiting)
    return fail(errc::overloaded, "too many calls wait for the link to the node");
  entry.waiting.push_back({topic, std::move(head), std::move(body), deadline, std::move(done)});
  if (!entry.link)
    dial(peer, entry);
  else if (entry.link->phase() == link_phase::broken)
    entry.link->poke();
  return {};
}

void control_links::dial(const uuid& peer, peer_entry& entry) {
  auto config = config_.link_to(peer);
  config.peer = entry.address;
  // Whoever waits is told in a turn of its own: the link is not to be used from inside its own callback.
  config.on_change = [this, alive = alive_, peer](const link_change& change) {
    loop_.post([this, alive, peer, phase = change.phase, detail = change.detail] {
      if (*alive)
        on_change(peer, phase, detail);
    });
  };
  entry.link = std::make_unique<node_link>(loop_, std::move(config));
  entry.link->start();
}

void control_links::on_change(const uuid& peer, link_phase phase, const std::string& detail) {
  const auto found = peers_.find(peer);
  if (found == peers_.end() || !found->second.link || found->second.link->phase() != phase)
    return;
  if (phase == link_phase::up)
    send_waiting(found->second);
  else if (phase == link_phase::broken)
    refuse_waiting(found->second, errc::link_down, detail.empty() ? "the node does not answer" : detail);
}

void control_links::send_waiting(peer_entry& entry) {
  for (auto& next : std::exchange(entry.waiting, {})) {
    const auto done = next.done;
    const auto sent =
        entry.link->call(next.topic, std::move(next.head), std::move(next.body), next.deadline, std::move(next.done));
    if (!sent)
      loop_.post([done, why = sent.error()] { done(call_not_run{why.code, why.what}); });
  }
}

void control_links::refuse_waiting(peer_entry& entry, errc code, const std::string& detail) {
  for (auto& next : std::exchange(entry.waiting, {}))
    loop_.post([done = std::move(next.done), code, detail] { done(call_not_run{code, detail}); });
}

void control_links::on_tick(time_point now) {
  for (auto& [peer, entry] : peers_) {
    const auto late = [now](const waiting_call& each) { return each.deadline <= now; };
    for (auto& next : entry.waiting)
      if (late(next))
        loop_.post([done = next.done] {
          done(call_not_run{errc::budget_spent, "the link to the node did not come up in time"});
        });
    std::erase_if(entry.waiting, late);
    if (entry.link && entry.waiting.empty() && entry.link->calls() == 0 && now - entry.used_at >= config_.idle_timeout)
      hang_up(entry);
  }
}

void control_links::hang_up(peer_entry& entry) {
  refuse_waiting(entry, errc::link_down, "the link to the node was ended");
  if (!entry.link)
    return;
  entry.link->stop();
  // Its last callbacks are still to run.
  loop_.keep_until_batch_end(std::shared_ptr<node_link>{std::move(entry.link)});
}

std::size_t control_links::links() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const auto& each) { return each.second.link != nullptr; }));
}

}  // namespace troupe::actors
