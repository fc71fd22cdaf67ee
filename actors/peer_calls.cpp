#include "actors/peer_calls.hpp"

#include <algorithm>
#include <utility>

#include "actors/call_frame.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

using functions::make_failure;

remote_result failed(remote_end end, errc code, std::string detail) {
  return {end, make_failure(code, std::move(detail))};
}

}  // namespace

peer_calls::peer_calls(event_loop& loop, peer_calls_config config) : loop_{loop}, config_{std::move(config)} {}

peer_calls::~peer_calls() = default;

void peer_calls::start() {
  started_ = true;
  loop_.add_tick(*this);
}

void peer_calls::stop() {
  if (!std::exchange(started_, false))
    return;
  loop_.remove_tick(*this);
  for (auto& [node, peer] : peers_)
    peer.link->stop();
  // What the links have ended is told to the routers before the loop's batch is over; the links go with this object.
}

void peer_calls::retire(std::unique_ptr<node_link> link) {
  link->stop();
  // Its last callbacks are still to run.
  std::shared_ptr<void> kept = std::shared_ptr<node_link>{std::move(link)};
  loop_.keep_until_batch_end(std::move(kept));
}

void peer_calls::adopt(peer_standings_ptr standings) {
  if (!started_)
    return;
  standings_ = std::move(standings);
  for (const auto& known : standings_->peers) {
    auto& mine = peers_[known.node];
    if (!mine.link) {
      auto config = config_.link_to(known);
      config.peer = known.address;
      mine.address = known.address;
      mine.link = std::make_unique<node_link>(loop_, std::move(config));
      mine.link->start();
      if (config_.on_link)
        config_.on_link(known.node, mine.link->pulse());
    } else if (mine.address != known.address) {
      mine.address = known.address;
      mine.link->set_peer(known.address);
    }
    // One that was turned away before it had joined, or was down, takes calls from now on.
    if (known.usable && !std::exchange(mine.usable, known.usable))
      mine.link->poke();
    mine.usable = known.usable;
  }
  for (auto entry = peers_.begin(); entry != peers_.end();) {
    const bool known = std::any_of(standings_->peers.begin(), standings_->peers.end(),
                                   [&](const peer_standing& each) { return each.node == entry->first; });
    if (!known)
      retire(std::move(entry->second.link));
    entry = known ? std::next(entry) : peers_.erase(entry);
  }
}

/// They hold until the next choice.
std::span<const cluster::peer_view> peer_calls::views_of(const uuid& function) {
  views_.clear();
  for (const auto& known : standings_->peers) {
    const auto mine = peers_.find(known.node);
    if (mine == peers_.end())
      continue;
    const auto sent = mine->second.outstanding.find(function);
    views_.push_back(cluster::view_of(known, function, mine->second.link->takes_calls(),
                                      sent == mine->second.outstanding.end() ? 0 : sent->second));
  }
  return views_;
}

cluster::call_route peer_calls::choose(const uuid& function, const cluster::local_view& here,
                                       std::span<const uuid> tried) {
  return cluster::route_call(here, views_of(function), {function, standings_->homes}, config_.self, tried,
                             fast_random());
}

void peer_calls::run(const uuid& node, functions::invocation_ptr call, std::function<void(remote_result)> done) {
  const auto peer = peers_.find(node);
  if (peer == peers_.end()) {
    // The standings changed since the choice.
    loop_.post([done = std::move(done)] {
      done(failed(remote_end::not_run, errc::link_down, "the node has left the cluster"));
    });
    return;
  }
  auto parts = encode_call(*call, loop_.now());
  const auto key = next_key_++;
  // Before the link has it: who is told that there was no memory for the call takes it for one that does not run.
  auto& outstanding = peer->second.outstanding[call->function->id];
  const auto entry = sent_.emplace(key, sent_call{node, 0, call, std::move(done)}).first;
  const auto give_up = [&] { return std::move(sent_.extract(entry).mapped().done); };
  try {
    const auto id =
        peer->second.link->call(cluster::link_topic::invoke, std::move(parts.head), std::move(parts.body),
                                call->deadline, [this, key](call_result result) { end(key, std::move(result)); });
    if (!id) {
      loop_.post([done = give_up(), why = id.error()] { done(failed(remote_end::not_run, why.code, why.what)); });
      return;
    }
    entry->second.id = *id;
    ++outstanding;
  } catch (const std::bad_alloc&) {
    sent_.erase(key);
    throw;
  }
}

void peer_calls::end(std::uint64_t key, call_result result) {
  auto entry = sent_.extract(key);
  if (entry.empty())
    return;
  auto& ended = entry.mapped();
  if (const auto peer = peers_.find(ended.node); peer != peers_.end()) {
    const auto count = peer->second.outstanding.find(ended.call->function->id);
    // Of a node that went and came back within a batch, the entry knows the new calls only.
    if (count != peer->second.outstanding.end() && count->second > 0)
      --count->second;
  }
  ended.done(result_of(std::move(result), ended.node));
}

remote_result peer_calls::result_of(call_result result, const uuid& node) const {
  if (auto* answered = std::get_if<call_answered>(&result)) {
    auto outcome = decode_outcome({std::move(answered->head), std::move(answered->body)});
    if (!outcome)
      return failed(remote_end::unknown, errc::link_lost, "node " + name_of(node) + ": " + outcome.error().what);
    return {remote_end::ran, std::move(*outcome)};
  }
  if (auto* refused = std::get_if<call_not_run>(&result))
    return failed(remote_end::not_run, refused->code, "node " + name_of(node) + ": " + refused->detail);
  auto& lost = std::get<call_lost>(result);
  return failed(remote_end::unknown, lost.code, "node " + name_of(node) + ": " + lost.detail);
}

/// For the texts of failures: as the peer calls itself, or its id.
std::string peer_calls::name_of(const uuid& node) const {
  if (const auto peer = peers_.find(node); peer != peers_.end())
    if (const auto hello = peer->second.link->peer_hello())
      return hello->node_name;
  return to_string(node);
}

void peer_calls::on_tick(time_point) {
  // Functions that are called again and again keep their entries.
  for (auto& [node, peer] : peers_)
    std::erase_if(peer.outstanding, [](const auto& entry) { return entry.second == 0; });
  std::vector<std::uint64_t> abandoned;
  for (const auto& [key, sent] : sent_)
    if (sent.call->is_abandoned())
      abandoned.push_back(key);
  for (const auto key : abandoned) {
    const auto& sent = sent_.at(key);
    if (const auto peer = peers_.find(sent.node); peer != peers_.end())
      peer->second.link->cancel(sent.id);
    end(key, call_lost{errc::client_gone, "the client left"});
  }
}

}  // namespace troupe::actors
