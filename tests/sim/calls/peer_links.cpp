#include "peer_links.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

remote_result failed(remote_end end, errc code, std::string text) {
  return {end, {code, std::move(text), {}}};
}

remote_result result_of(call_result result) {
  switch (result.how) {
    case call_result::kind::answered:
      if (!result.head.empty())
        return failed(remote_end::ran, static_cast<errc>(result.head.view().front()), "at the peer");
      return {remote_end::ran, {errc{}, {}, std::move(result.body)}};
    case call_result::kind::not_run: return failed(remote_end::not_run, result.code, std::move(result.text));
    case call_result::kind::lost: return failed(remote_end::unknown, result.code, std::move(result.text));
  }
  return failed(remote_end::unknown, errc::bug, "");
}

}  // namespace

peer_links::peer_links(process& of, loop& on) : of_{of}, loop_{on} {}

void peer_links::adopt(cluster::peer_standings_ptr standings) {
  standings_ = std::move(standings);
  for (const auto& known : standings_->peers) {
    auto& mine = peers_[known.node];
    if (!mine.link) {
      const auto peer = of_.all.index_of(known.node);
      mine.link = std::make_shared<dialer>(of_, loop_, peer);
      mine.link->start();
      of_.control.post(
          [&of = of_, peer, index = loop_.index(), beat = mine.link->beat()] { of.members.watch(peer, index, beat); });
    }
    // One that was turned away before it had joined, or was down, takes calls from now on.
    if (known.usable && !std::exchange(mine.usable, known.usable))
      mine.link->poke();
    mine.usable = known.usable;
  }
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    const bool known = std::any_of(standings_->peers.begin(), standings_->peers.end(),
                                   [&](const auto& each) { return each.node == entry->first; });
    if (!known) {
      entry->second.link->stop();
      loop_.at_batch_end([kept = entry->second.link] {});
    }
    entry = known ? std::next(entry) : peers_.erase(entry);
  }
}

cluster::call_route peer_links::choose(const uuid& function, const cluster::local_view& here,
                                       const std::vector<uuid>& tried) {
  std::vector<cluster::peer_view> views;
  views.reserve(standings_->peers.size());
  for (const auto& known : standings_->peers) {
    const auto mine = peers_.find(known.node);
    if (mine == peers_.end())
      continue;
    const auto sent = mine->second.outstanding.find(function);
    views.push_back(cluster::view_of(known, function, mine->second.link->takes_calls(),
                                     sent == mine->second.outstanding.end() ? 0 : sent->second));
  }
  return cluster::route_call(here, views, {function, standings_->homes}, of_.on.id, tried, of_.all.random.next());
}

void peer_links::run(const uuid& node, work_ptr call, std::size_t attempt, std::function<void(remote_result)> done) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) {
    loop_.post([done = std::move(done)] { done(failed(remote_end::not_run, errc::link_down, "left")); });
    return;
  }
  buffer head;
  const auto& what = *call->what;
  const std::uint64_t fields[2] = {what.number, attempt};
  head.append({reinterpret_cast<const char*>(fields), sizeof fields});
  const auto key = next_key_++;
  const auto id = peer->second.link->call(std::move(head), body_of(what.number, 0, what.body_bytes), what.deadline,
                                          [this, key](call_result result) { end(key, std::move(result)); });
  if (!id) {
    loop_.post([done = std::move(done), why = id.error()] { done(failed(remote_end::not_run, why.code, why.what)); });
    return;
  }
  const auto& function = of_.all.functions[what.function];
  ++peer->second.outstanding[function];
  sent_.emplace(key, sent_call{node, *id, std::move(call), function, std::move(done)});
}

void peer_links::end(std::uint64_t key, call_result result) {
  auto entry = sent_.extract(key);
  if (entry.empty())
    return;
  auto& ended = entry.mapped();
  if (const auto peer = peers_.find(ended.node); peer != peers_.end()) {
    const auto count = peer->second.outstanding.find(ended.function);
    if (count != peer->second.outstanding.end() && --count->second == 0)
      peer->second.outstanding.erase(count);
  }
  ended.done(result_of(std::move(result)));
}

void peer_links::on_tick(time_point now) {
  for (const auto& [node, peer] : peers_)
    peer.link->on_tick(now);
  std::vector<std::uint64_t> abandoned;
  for (const auto& [key, sent] : sent_)
    if (sent.call->nobody_waits())
      abandoned.push_back(key);
  for (const auto key : abandoned) {
    const auto& sent = sent_.at(key);
    if (const auto peer = peers_.find(sent.node); peer != peers_.end())
      peer->second.link->cancel(sent.id);
    end(key, {call_result::kind::lost, errc::client_gone, "the client left", {}, {}});
  }
}

bool peer_links::is_empty() const {
  return sent_.empty() && std::all_of(peers_.begin(), peers_.end(), [](const auto& each) {
           return each.second.outstanding.empty() && each.second.link->is_empty();
         });
}

const dialer* peer_links::to(const uuid& node) const {
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : found->second.link.get();
}

}  // namespace troupe::sim::calls
