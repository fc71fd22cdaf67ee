#include "cluster/code_fetch.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster {

code_actions code_fetch::set_wanted(const std::vector<wanted_code>& wanted, time_point now) {
  std::set<digest> names;
  std::vector<digest> order;
  for (const auto& each : wanted) {
    if (!names.insert(each.code).second)
      continue;
    auto& what = packages_[each.code];
    what.shape = each.shape;
    if (what.stage != package_stage::complete)
      order.push_back(each.code);
  }
  std::erase_if(packages_, [&](const auto& known) { return !names.contains(known.first); });
  std::erase_if(urgent_, [&](const digest& code) { return !names.contains(code); });
  std::stable_partition(order.begin(), order.end(), [this](const digest& code) { return urgent_.contains(code); });
  order_ = std::move(order);
  return tick(now);
}

code_actions code_fetch::set_peers(const std::vector<uuid>& peers, time_point now) {
  const bool more = std::any_of(peers.begin(), peers.end(), [this](const uuid& peer) {
    return std::find(peers_.begin(), peers_.end(), peer) == peers_.end();
  });
  peers_ = peers;
  std::erase_if(avoided_, [now](const auto& entry) { return entry.second <= now; });
  if (more)
    for (auto& [code, what] : packages_)
      what.until = {};
  return tick(now);
}

code_actions code_fetch::hurry(const wanted_code& code, time_point now) {
  auto& what = packages_[code.code];
  what.shape = code.shape;
  std::erase(order_, code.code);
  order_.insert(order_.begin(), code.code);
  urgent_.insert(code.code);
  what.until = {};
  if (what.stage == package_stage::examining)
    what.again = true;
  else if (what.stage == package_stage::complete)
    what.stage = package_stage::queued;
  return tick(now);
}

code_actions code_fetch::examined(const digest& code, const std::optional<std::vector<missing_blob>>& missing,
                                  time_point now) {
  code_actions out;
  examines_ = false;
  if (const auto found = packages_.find(code);
      found != packages_.end() && found->second.stage == package_stage::examining) {
    auto& what = found->second;
    if (std::exchange(what.again, false)) {
      what.stage = package_stage::queued;
    } else if (!missing) {
      wait(what, now);
    } else if (missing->empty()) {
      what = {what.shape, package_stage::complete, {}, false, false, false, 0, {}, {}};
      std::erase(order_, code);
      urgent_.erase(code);
      out.push_back({code_action_kind::complete, {code, what.shape}, false, {}, {}, 0, false});
    } else {
      what.stage = package_stage::fetching;
      what.lacking = false;
      for (const auto& blob : *missing)
        what.todo.emplace(blob.blob, blob.stored);
    }
  }
  advance(out, now);
  return out;
}

code_actions code_fetch::tick(time_point now) {
  code_actions out;
  advance(out, now);
  return out;
}

bool code_fetch::is_complete(const digest& code) const {
  const auto found = packages_.find(code);
  return found != packages_.end() && found->second.stage == package_stage::complete;
}

void code_fetch::advance(code_actions& out, time_point now) {
  std::size_t open = 0;
  for (const auto& code : order_) {
    auto& what = packages_[code];
    if (what.stage == package_stage::waiting && what.until <= now)
      what.stage = package_stage::queued;
    if (what.stage == package_stage::fetching && !fetch_some(code, what, out, now))
      end_round(code, what, out, now);
    if (what.stage == package_stage::queued && !examines_ && open < limits_.packages)
      begin_examination(code, what, out);
    if (what.stage == package_stage::fetching || what.stage == package_stage::examining)
      ++open;
  }
}

void code_fetch::begin_examination(const digest& code, package& what, code_actions& out) {
  what.stage = package_stage::examining;
  examines_ = true;
  out.push_back({code_action_kind::examine, {code, what.shape}, what.fetched, {}, {}, 0, false});
}

/// @returns false when nothing of the package is left to do in this round.
bool code_fetch::fetch_some(const digest& code, package& what, code_actions& out, time_point now) {
  for (auto next = what.todo.begin(); next != what.todo.end();) {
    if (active_.size() >= limits_.blobs || disk_paused_until_ > now)
      return true;
    const auto& [blob, stored] = *next;
    if (active_.contains(blob)) {
      ++next;
      continue;
    }
    if (!choose(blob, what, {}, now)) {
      what.lacking = true;
      next = what.todo.erase(next);
      continue;
    }
    auto& how = active_[blob];
    how.owner = code;
    how.stored = stored;
    how.mixed = stored > 0;
    next_peer(blob, how, out, now);
    ++next;
  }
  return !what.todo.empty();
}

void code_fetch::end_round(const digest& code, package& what, code_actions& out, time_point now) {
  if (!what.lacking) {
    what.stage = package_stage::queued;
    what.rounds = 0;
    return;
  }
  if (what.rounds == 0)
    out.push_back({code_action_kind::starve, {code, what.shape}, false, {}, {}, 0, false});
  wait(what, now);
}

void code_fetch::wait(package& what, time_point now) {
  what.stage = package_stage::waiting;
  what.todo.clear();
  const auto doublings = std::min(what.rounds++, 20u);
  what.until =
      now + std::min<milliseconds>(limits_.first_back_off * (std::int64_t{1} << doublings), limits_.longest_back_off);
}

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
