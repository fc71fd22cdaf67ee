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

}  // namespace troupe::cluster
