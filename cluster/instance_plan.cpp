#include "cluster/instance_plan.hpp"

#include <algorithm>
#include <set>

#include "cluster/call_routing.hpp"

namespace troupe::cluster {

namespace {

const function_presence* presence_at(const plan_member& member, const uuid& function) {
  if (member.functions == nullptr)
    return nullptr;
  const auto found = member.functions->find(function);
  return found == member.functions->end() ? nullptr : &found->second;
}

split_member split_member_of(const plan_member& member, const planned_function& function, const instance_band& given) {
  split_member made;
  made.node = member.node;
  made.given = given;
  made.memory_left_bytes = member.memory_left_bytes;
  if (function.memory_bytes != 0)
    made.fits =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(member.memory_left_bytes / function.memory_bytes, no_max));
  if (const auto* there = presence_at(member, function.id)) {
    made.running = there->ready + there->starting;
    made.wanted = there->wanted;
    made.outstanding = there->outstanding;
    made.queue_age = milliseconds{there->queue_age_ms};
  }
  return made;
}

}  // namespace

void instance_plan::set_functions(std::vector<planned_function> functions) {
  functions_ = std::move(functions);
  std::set<uuid> known;
  for (const auto& each : functions_)
    known.insert(each.id);
  std::erase_if(homes_, [&](const auto& entry) { return !known.contains(entry.first); });
}

/// Whether the view has been the same for long enough. Standings of the view before are those of nodes that stayed.
bool instance_plan::is_stable(const std::vector<plan_member>& view, time_point now) {
  std::map<uuid, uuid> seen;
  for (const auto& member : view)
    seen.emplace(member.node, member.incarnation);
  const bool slept = called_at_ != time_point{} && now - called_at_ >= late_call;
  called_at_ = now;
  if (slept)
    homes_.clear();
  if (slept || seen != seen_) {
    for (auto& [id, home] : homes_)
      std::erase_if(home.standings, [&](const auto& entry) {
        const auto before = seen_.find(entry.first), after = seen.find(entry.first);
        return after == seen.end() || before == seen_.end() || before->second != after->second;
      });
    seen_ = std::move(seen);
    seen_since_ = now;
  }
  if (now - seen_since_ < stable_after)
    return false;
  return now - seen_since_ >= hearing_patience ||
         std::all_of(view.begin(), view.end(), [](const plan_member& member) { return member.heard; });
}

/// A node that is new in the view holds what it says it holds: an earlier home gave it that. One that says otherwise
/// than its last order did is told again.
void instance_plan::read(homed& home, const planned_function& function, const std::vector<plan_member>& view,
                         time_point now) {
  for (const auto& member : view) {
    const auto [entry, fresh] = home.standings.try_emplace(member.node);
    auto& of = entry->second;
    const auto* there = presence_at(member, function.id);
    const auto held = there == nullptr ? instance_band{} : there->band;
    if (fresh) {
      of.given = held;
      of.may = held.max;
      of.done_at = now;
    } else if (of.settled && of.asked == 0 && member.heard && member.heard_at > of.done_at && held != of.given) {
      of.may = std::max(of.may, held.max);
      of.settled = false;
    }
  }
}

std::vector<band_order> instance_plan::next(const std::vector<plan_member>& view, time_point now) {
  const bool stable = is_stable(view, now);
  std::vector<uuid> nodes;
  for (const auto& member : view)
    nodes.push_back(member.node);
  std::vector<band_order> orders;
  for (const auto& function : functions_) {
    if (home_of(function.id, nodes) != self_) {
      homes_.erase(function.id);
      continue;
    }
    // Of a function that is new it has been the home for as long as it has seen these nodes.
    auto& home = homes_.try_emplace(function.id, homed{seen_since_, {}}).first->second;
    if (!stable)
      continue;
    read(home, function, view, now);
    plan(home, function, view, now, orders);
  }
  return orders;
}

void instance_plan::plan(homed& home, const planned_function& function, const std::vector<plan_member>& view,
                         time_point now, std::vector<band_order>& orders) {
  std::vector<split_member> members;
  for (const auto& member : view) {
    members.push_back(split_member_of(member, function, home.standings.at(member.node).given));
    members.back().is_home = member.node == self_;
  }
  const bool limited = function.limits.max != 0;
  const auto bands =
      split_band(function.limits, members, now - home.since < lowering_after ? lowering::not_yet : lowering::allowed);
  // What all may run now: a node's old room counts until it said that it keeps to the smaller one.
  std::uint64_t allowed = 0;
  for (const auto& member : members)
    allowed += std::max(home.standings.at(member.node).may, member.running);
  for (std::size_t i = 0; i < view.size() && orders.size() < max_orders; ++i) {
    auto& of = home.standings.at(view[i].node);
    if (of.asked != 0 || (!of.settled && now < of.retry_at))
      continue;
    auto band = bands[i];
    const auto counted = std::max(of.may, members[i].running);
    if (limited && band.max > counted) {
      const auto left = function.limits.max - std::min<std::uint64_t>(function.limits.max, allowed);
      band.max = counted + static_cast<std::uint32_t>(std::min<std::uint64_t>(band.max - counted, left));
      band.min = std::min(band.min, band.max);
      allowed += band.max - counted;
    }
    // Instances that were started without a band, while no home was in sight, end by an order only.
    const bool passes = limited && members[i].running > band.max && view[i].heard_at > of.done_at;
    if (band != of.given || ((!of.settled || passes) && now >= of.retry_at))
      order(of, band, function, view[i].node, orders);
  }
}

void instance_plan::order(standing& of, const instance_band& band, const planned_function& function, const uuid& node,
                          std::vector<band_order>& orders) {
  of.asked = ++last_number_;
  of.may = std::max(of.may, band.max);
  orders.push_back({node, function.id, function.version, of.asked, band});
}

void instance_plan::answered(const band_order& order, order_answer answer, time_point now) {
  const auto home = homes_.find(order.function);
  if (home == homes_.end())
    return;
  const auto found = home->second.standings.find(order.node);
  if (found == home->second.standings.end() || found->second.asked != order.number)
    return;
  auto& of = found->second;
  of.asked = 0;
  if (answer == order_answer::done) {
    // Of one that is told the same again and again, what it does is not changed by being told.
    const bool again = order.band == of.given;
    const auto pause = again ? std::min(of.pause * 2, longest_retry) : first_retry;
    of = {order.band, order.band.max, true, 0, now, pause, again ? now + pause : now};
    return;
  }
  of.settled = false;
  of.retry_at = now + of.pause;
  of.pause = std::min(of.pause * 2, longest_retry);
}

}  // namespace troupe::cluster
