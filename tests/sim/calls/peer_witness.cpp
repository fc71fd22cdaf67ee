#include "peer_witness.hpp"

#include <algorithm>
#include <string>

#include "machine.hpp"
#include "tests/sim/violation.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

/// A second by any clock of the cluster.
constexpr instant shortest_silence{900'000};
/// The same with ticks, and pulses that are looked at by the next one.
constexpr instant longest_silence{1'600'000};
/// What a dialer waits at most until it has a link again, with what its kernel and its patience take before.
constexpr instant aftermath{9'000'000};
constexpr instant quickly{500'000};
/// Until the control loop knows what another loop heard: a tick of each.
constexpr instant looking{210'000};
/// Stood so long, a loop knows that it has not heard what there was to hear.
constexpr instant missed_ticks{450'000};
/// Until all loops know what the control loop knows.
constexpr instant telling{20'000};

std::string in_ms(instant length) {
  return std::to_string(length.count() / 1'000) + " ms";
}

}  // namespace

instant peer_witness::pair_seen::heard() const {
  return *std::max_element(heard_at.begin(), heard_at.end());
}

void peer_witness::prepare(std::size_t nodes, std::size_t loops) {
  nodes_.resize(nodes);
  pairs_.resize(nodes * nodes);
  for (auto& each : pairs_)
    each.heard_at.resize(loops);
}

void peer_witness::troubles(std::size_t node) {
  nodes_[node].trouble_at = all_.time.now();
}

void peer_witness::wakes(std::size_t node, instant after) {
  troubles(node);
  if (after > missed_ticks)
    nodes_[node].woke_at = all_.time.now();
}

void peer_witness::troubles(std::size_t one, std::size_t other) {
  of_pair(one, other).trouble_at = of_pair(other, one).trouble_at = all_.time.now();
}

void peer_witness::dies(std::size_t node) {
  troubles(node);
  must_be_suspected_soon(node);
}

void peer_witness::starts(std::size_t node) {
  troubles(node);
  nodes_[node].started_at = all_.time.now();
  forget_all_of(node);
}

void peer_witness::forget_all_of(std::size_t observer) {
  for (std::size_t peer = 0; peer < nodes_.size(); ++peer) {
    auto& pair = of_pair(observer, peer);
    pair.anew_at = pair.opened_at = all_.time.now();
    pair.suspected_at = instant{-1};
    std::fill(pair.heard_at.begin(), pair.heard_at.end(), all_.time.now());
  }
}

void peer_witness::came(const process& of, std::size_t loop, std::size_t peer) {
  auto& pair = of_pair(of.on.index, peer);
  if (all_.time.now() - pair.heard() >= shortest_silence)
    pair.gap_end_at = all_.time.now();
  pair.heard_at[loop] = all_.time.now();
}

void peer_witness::opened(const process& of, std::size_t loop, std::size_t peer) {
  came(of, loop, peer);
  of_pair(of.on.index, peer).opened_at = all_.time.now();
}

void peer_witness::begins_anew(const process& of, std::size_t peer) {
  auto& pair = of_pair(of.on.index, peer);
  pair.anew_at = all_.time.now();
  if (of.members.trusts(peer))
    pair.suspected_at = instant{-1};
}

/// Whether something happened lately for which a healthy peer may not be heard.
bool peer_witness::has_cause(std::size_t observer, std::size_t peer) {
  const auto now = all_.time.now();
  const auto recent = [&](instant when) { return now - when < aftermath; };
  const auto& there = *all_.machines[peer];
  return !there.running || there.paused || recent(nodes_[peer].trouble_at) || recent(nodes_[observer].trouble_at) ||
         all_.machines[observer]->running->standing_loops > 0 || there.running->standing_loops > 0 ||
         recent(of_pair(observer, peer).trouble_at) || all_.net.is_cut(observer, peer) ||
         all_.net.is_cut(peer, observer);
}

void peer_witness::changed(const process& of, std::size_t peer, const cluster::member_change& change) {
  using kind = cluster::member_change::kind;
  using reason = cluster::suspicion_reason;
  const auto now = all_.time.now();
  auto& pair = of_pair(of.on.index, peer);
  const auto who = of.on.name + " of n" + std::to_string(peer);
  // What a control loop that stood is told late was true once.
  const bool late = of.standing_loops > 0 || now - nodes_[of.on.index].trouble_at < telling;
  if (change.what == kind::suspected) {
    all_.note(of.on, "suspects n" + std::to_string(peer) + ": " + std::string{to_string(change.why)});
    pair.suspected_at = now;
    // What came since the last ticks of loops is not known yet.
    const bool just_heard = now - pair.gap_end_at < looking;
    if (change.why == reason::silent && !just_heard && now - std::max(pair.heard(), pair.anew_at) < shortest_silence)
      broken("healthy_not_suspected", "silence is said by " + who + ", heard " + in_ms(now - pair.heard()) + " ago");
    // What was silent for long enough before is noticed behind it.
    const auto awake = now - nodes_[of.on.index].woke_at;
    if (change.why == reason::silent && awake > looking && awake < shortest_silence)
      broken("healthy_not_suspected",
             "silence is said by " + who + ", which stood itself until " + in_ms(awake) + " ago");
    if (change.why == reason::gone && !late && all_.machines[peer]->running && nodes_[peer].started_at < pair.opened_at)
      broken("healthy_not_suspected", "it is said to be gone by " + who + ", which has listened all the time");
    if (!has_cause(of.on.index, peer))
      broken("healthy_not_suspected",
             "nothing has happened for which it is said to be " + std::string{to_string(change.why)} + " by " + who);
  } else if (change.what == kind::healed) {
    all_.note(of.on, "trusts n" + std::to_string(peer) + " again");
    if (!late && pair.heard() < pair.suspected_at - looking && pair.anew_at < pair.suspected_at)
      broken("trusted_when_heard", "trust is regained by " + who + ", of which nothing was heard");
    pair.suspected_at = instant{-1};
  }
}

void peer_witness::sends(const process& of, std::size_t loop, std::size_t peer) {
  const auto now = all_.time.now();
  const auto& pair = of_pair(of.on.index, peer);
  if (of.standing_loops > 0 || now - nodes_[of.on.index].trouble_at < longest_silence)
    return;
  if (pair.suspected_at >= instant{0} && now - pair.suspected_at > telling)
    broken("no_work_to_suspects", of.on.name + " sends a call to n" + std::to_string(peer) + ", suspected for " +
                                      in_ms(now - pair.suspected_at));
  if (now - pair.heard_at[loop] > longest_silence)
    broken("silent_link_avoided", of.on.name + " sends a call to n" + std::to_string(peer) +
                                      " on a link that is silent for " + in_ms(now - pair.heard_at[loop]));
}

void peer_witness::look(const process& of) {
  if (of.standing_loops > 0)
    return;  // what a loop did not hear that did not tick proves nothing
  const auto now = all_.time.now();
  for (const auto& [node, known] : of.members.table().peers()) {
    const auto peer = all_.index_of(node);
    const auto& pair = of_pair(of.on.index, peer);
    const auto since = std::max({pair.heard(), pair.anew_at, nodes_[of.on.index].trouble_at});
    if (now - since > longest_silence && of.members.trusts(peer))
      broken("silent_is_suspected",
             of.on.name + " trusts n" + std::to_string(peer) + ", which is silent for " + in_ms(now - since));
  }
}

/// Whether the way between both is slow or was troubled a moment ago.
bool peer_witness::is_rough(std::size_t one, std::size_t other) {
  const auto now = all_.time.now();
  return all_.machines[one]->running->standing_loops > 0 || all_.net.is_slow(one, other) ||
         all_.net.is_cut(one, other) || all_.net.is_cut(other, one) ||
         now - of_pair(one, other).trouble_at < aftermath || now - nodes_[one].trouble_at < longest_silence;
}

/// Whoever had links to it that stood is refused when it dials again.
void peer_witness::must_be_suspected_soon(std::size_t dead) {
  if (all_.machines[dead]->off)
    return;
  for (const auto& each : all_.machines) {
    const auto observer = each->index;
    if (observer == dead || !each->running || each->paused || is_rough(observer, dead) ||
        !each->running->members.trusts(dead) || !each->running->all_links_stand(dead))
      continue;
    all_.time.after(quickly, [this, observer, dead, when = all_.time.now(), life = each->life] {
      const auto& watches = *all_.machines[observer];
      if (watches.life != life || all_.machines[dead]->running || all_.machines[dead]->off ||
          nodes_[observer].trouble_at > when || nodes_[dead].trouble_at > when ||
          of_pair(observer, dead).trouble_at > when)
        return;
      if (watches.running->members.trusts(dead))
        broken("dead_is_suspected_quickly",
               watches.name + " trusts n" + std::to_string(dead) + " " + in_ms(quickly) + " after it was killed");
    });
  }
}

}  // namespace troupe::sim::calls
