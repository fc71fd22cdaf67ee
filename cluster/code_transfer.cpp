// One blob on its way: which peer is asked next, and what follows from what it gave.
#include <algorithm>

#include "cluster/code_fetch.hpp"

namespace troupe::cluster {

/// Goes on with the transfer at its peer, or at another one when that was tried to no avail.
void code_fetch::next_peer(const digest& blob, transfer& how, code_actions& out, time_point now) {
  const auto owner = packages_.find(how.owner);
  if (owner == packages_.end() || owner->second.stage != package_stage::fetching || disk_paused_until_ > now) {
    active_.erase(blob);  // whoever still wants it begins again where the disk says
    return;
  }
  const auto peer = choose(blob, owner->second, how.tried, now);
  if (!peer) {
    owner->second.todo.erase(blob);
    owner->second.lacking = true;
    active_.erase(blob);
    return;
  }
  const bool restart = how.one_giver && how.stored > 0 && !how.givers.contains(*peer);
  if (restart) {
    how.stored = 0;
    how.givers.clear();
  }
  how.peer = *peer;
  out.push_back({code_action_kind::fetch, {}, false, blob, *peer, how.stored, restart});
}

std::optional<uuid> code_fetch::choose(const digest& blob, const package& what, const std::set<uuid>& tried,
                                       time_point now) const {
  const auto fits = [&](const uuid& peer) {
    const auto avoided = avoided_.find(peer);
    return !tried.contains(peer) && (avoided == avoided_.end() || avoided->second <= now);
  };
  const auto known = [this](const uuid& peer) { return std::find(peers_.begin(), peers_.end(), peer) != peers_.end(); };
  if (const auto running = active_.find(blob); running != active_.end())
    if (const auto& peer = running->second.peer; known(peer) && fits(peer))
      return peer;
  if (what.source && known(*what.source) && fits(*what.source))
    return what.source;
  // Different blobs begin at different peers.
  for (std::size_t i = 0; i < peers_.size(); ++i)
    if (const auto& peer = peers_[(blob.bytes[0] + i) % peers_.size()]; fits(peer))
      return peer;
  return std::nullopt;
}

code_actions code_fetch::piece(const piece_result& result, time_point now) {
  code_actions out;
  const auto found = active_.find(result.blob);
  if (found == active_.end() || found->second.peer != result.peer)
    return out;
  auto& how = found->second;
  switch (result.outcome) {
    case piece_outcome::whole: done(result.blob, result.peer); break;
    case piece_outcome::stored:
      how.mixed = how.mixed || result.passed_over;
      how.givers.insert(result.peer);
      if (result.stored <= how.stored && !result.passed_over)
        how.tried.insert(result.peer);
      how.stored = result.stored;
      next_peer(result.blob, how, out, now);
      break;
    case piece_outcome::absent:
    case piece_outcome::failed:
      how.tried.insert(result.peer);
      next_peer(result.blob, how, out, now);
      break;
    case piece_outcome::invalid:
      blame(result.peer, result.blob, out, now);
      next_peer(result.blob, how, out, now);
      break;
    case piece_outcome::wrong: take_wrong(result, how, out, now); break;
    case piece_outcome::disk:
      // How much is stored is seen anew when the disk is asked again.
      disk_paused_until_ = now + limits_.disk_pause;
      if (const auto owner = packages_.find(how.owner); owner != packages_.end()) {
        wait(owner->second, now);
        owner->second.until = disk_paused_until_;
      }
      active_.erase(found);
      break;
  }
  advance(out, now);
  return out;
}

void code_fetch::take_wrong(const piece_result& result, transfer& how, code_actions& out, time_point now) {
  how.givers.insert(result.peer);
  if (!how.mixed && how.givers.size() == 1)
    blame(result.peer, result.blob, out, now);
  how.stored = 0;
  how.givers.clear();
  how.mixed = false;
  how.one_giver = true;
  next_peer(result.blob, how, out, now);
}

void code_fetch::blame(const uuid& peer, const digest& blob, code_actions& out, time_point now) {
  avoided_[peer] = now + limits_.avoidance;
  out.push_back({code_action_kind::blame, {}, false, blob, peer, 0, false});
}

void code_fetch::done(const digest& blob, const uuid& giver) {
  if (const auto owner = packages_.find(active_[blob].owner); owner != packages_.end()) {
    owner->second.source = giver;
    owner->second.rounds = 0;
    owner->second.fetched = true;
  }
  active_.erase(blob);
  for (const auto& code : order_)
    if (auto& what = packages_[code]; what.todo.erase(blob) > 0)
      what.fetched = true;
}

}  // namespace troupe::cluster
