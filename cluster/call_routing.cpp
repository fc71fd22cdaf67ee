#include "cluster/call_routing.hpp"

#include <algorithm>

namespace troupe::cluster {

namespace {

/// The finalizer of MurmurHash3 (public domain): every bit of the input changes half of the output's.
std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53;
  return value ^ value >> 33;
}

std::uint64_t word(const uuid& id, std::size_t first) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i)
    value = value << 8 | id.bytes[first + i];
  return value;
}

/// The same on every node and machine: part of the protocol.
std::uint64_t weight(const uuid& function, const uuid& node) noexcept {
  auto value = mix(word(function, 0));
  value = mix(value ^ word(function, 8));
  value = mix(value ^ word(node, 0));
  return mix(value ^ word(node, 8));
}

bool was_tried(std::span<const uuid> tried, const uuid& node) noexcept {
  return std::find(tried.begin(), tried.end(), node) != tried.end();
}

/// Calls there for each slot, as a fraction that is compared without division.
bool better(const peer_view& left, const peer_view& right) noexcept {
  if (left.queue_age != right.queue_age)
    return left.queue_age < right.queue_age;
  const auto load = [](const peer_view& peer) { return std::uint64_t{std::max(peer.in_flight, peer.outstanding)}; };
  return load(left) * right.slots < load(right) * left.slots;
}

bool has_free_slot(const peer_view& peer) noexcept {
  return std::max(peer.in_flight, peer.outstanding) < peer.slots;
}

/// The better of two that are drawn among those that `fits`; null when none does.
template <class Fits>
const peer_view* draw(std::span<const peer_view> peers, std::uint64_t random, Fits fits) {
  const auto count = static_cast<std::uint64_t>(std::count_if(peers.begin(), peers.end(), fits));
  if (count == 0)
    return nullptr;
  const auto nth = [&](std::uint64_t n) {
    return &*std::find_if(peers.begin(), peers.end(), [&](const peer_view& peer) { return fits(peer) && n-- == 0; });
  };
  const auto first = (random & 0xffffffff) % count;
  if (count == 1)
    return nth(first);
  const auto second = (first + 1 + (random >> 32) % (count - 1)) % count;
  const auto *one = nth(first), *other = nth(second);
  return better(*other, *one) ? other : one;
}

}  // namespace

uuid home_of(const uuid& function, std::span<const uuid> nodes) {
  uuid best;
  std::uint64_t best_weight = 0;
  for (const auto& node : nodes) {
    const auto its = weight(function, node);
    // Equal weights: the smaller id, so that the order of `nodes` does not matter.
    if (best == uuid{} || its > best_weight || (its == best_weight && node < best)) {
      best = node;
      best_weight = its;
    }
  }
  return best;
}

call_route route_call(const local_view& here, std::span<const peer_view> peers, const home_rule& home_by,
                      const uuid& self, std::span<const uuid> tried, std::uint64_t random) {
  if (here.has_slots)
    return {};
  const auto may_ask = [&](const peer_view& peer) { return peer.usable && !was_tried(tried, peer.node); };
  const bool waits_long = here.queue_full || (here.has_instances && here.queue_age >= spill_age);
  if (!here.has_instances || waits_long)
    if (const auto* free = draw(peers, random, [&](const peer_view& p) { return may_ask(p) && has_free_slot(p); }))
      return {call_place::peer, free->node};
  if (here.has_instances && !here.queue_full)
    return {};
  if (const auto* busy = draw(peers, random, [&](const peer_view& p) { return may_ask(p) && p.slots > 0; }))
    return {call_place::peer, busy->node};
  if (here.starting && !here.queue_full)
    return {};
  if (const auto* soon = draw(peers, random, [&](const peer_view& p) { return may_ask(p) && p.starting; }))
    return {call_place::peer, soon->node};
  if (here.queue_full)
    return {call_place::nowhere, {}};
  // Nobody else runs it: its home starts the first instance, so that nodes do not each start one of their own. Those
  // that run it have refused: another one is of use only where the function's maximum leaves room.
  const bool runs = std::any_of(peers.begin(), peers.end(),
                                [](const peer_view& p) { return p.usable && (p.slots > 0 || p.starting); });
  const auto may_begin = [&](bool has_room) { return !here.limited || !runs || has_room; };
  const auto fits = [&](const peer_view& p) { return may_ask(p) && may_begin(p.may_start); };
  if (const auto home = home_by(); home != self && home != uuid{}) {
    const auto at = std::find_if(peers.begin(), peers.end(), [&](const peer_view& p) { return p.node == home; });
    if (at != peers.end() && fits(*at))
      return {call_place::peer, home};
  }
  if (here.runs_here && may_begin(here.may_start))
    return {};
  if (const auto* any = draw(peers, random, fits))
    return {call_place::peer, any->node};
  return {call_place::nowhere, {}};
}

bool may_retry(try_result result, std::size_t retries, time_point now, time_point deadline, bool idempotent) noexcept {
  return (result == try_result::not_run || idempotent) && retries < max_retries && now < deadline;
}

bool means_not_run(errc code) noexcept {
  switch (code) {
    case errc::overloaded:
    case errc::no_capacity:
    case errc::draining:
    case errc::not_ready:
    case errc::breaker_open: return true;
    default: return false;
  }
}

}  // namespace troupe::cluster
