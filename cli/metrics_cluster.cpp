#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>

#include "cli/metrics_parts.hpp"
#include "cli/node_state.hpp"

namespace troupe::cli {

namespace {

/// The links to a peer as all loops see them.
struct link_sums {
  std::size_t up = 0;
  std::uint64_t calls = 0;
  std::uint32_t slowest_us = 0;
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  std::uint64_t lost = 0;
  std::uint64_t canceled = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  void add(const actors::link_counts& counts) {
    answered += counts.calls_answered.value();
    refused += counts.calls_refused.value();
    lost += counts.calls_lost.value();
    canceled += counts.calls_canceled.value();
    sent += counts.calls_sent.value();
    bytes_in += counts.bytes_in.value();
    bytes_out += counts.bytes_out.value();
  }
};

std::map<std::string_view, link_sums> links_of(const actors::membership& members) {
  std::map<std::string_view, link_sums> links;
  for (const auto& [id, peer] : members.table().peers()) {
    auto& sums = links[peer.name];
    const auto known = members.pulses().find(id);
    if (known == members.pulses().end())
      continue;
    for (const auto& pulse : known->second) {
      if (pulse == nullptr)
        continue;
      sums.add(pulse->counts);
      if (pulse->phase.load(std::memory_order_relaxed) != actors::link_phase::up)
        continue;
      ++sums.up;
      sums.calls += pulse->calls.load(std::memory_order_relaxed);
      sums.slowest_us = std::max(sums.slowest_us, pulse->round_trip_us.load(std::memory_order_relaxed));
    }
  }
  return links;
}

void add_links(http::metrics_page& page, const actors::membership& members) {
  const auto links = links_of(members);
  page.begin_gauge("troupe_links_up", "Links of this node to the peer that stand; one for each event loop is normal.");
  for (const auto& [peer, sums] : links)
    page.add({{"peer", peer}}, static_cast<double>(sums.up));
  page.begin_gauge("troupe_link_round_trip_seconds", "Of the last ping on the slowest of these links.");
  for (const auto& [peer, sums] : links)
    page.add({{"peer", peer}}, sums.slowest_us / 1e6);
  page.begin_gauge("troupe_link_calls_in_flight", "Calls of this node at the peer that have no answer yet.");
  for (const auto& [peer, sums] : links)
    page.add({{"peer", peer}}, static_cast<double>(sums.calls));
  page.begin_counter("troupe_link_calls_sent_total", "Calls that this node sent to the peer.");
  for (const auto& [peer, sums] : links)
    page.add({{"peer", peer}}, static_cast<double>(sums.sent));
  page.begin_counter("troupe_link_calls_ended_total", "Of these calls those that are over, by how they ended.");
  for (const auto& [peer, sums] : links)
    for (const auto& [result, count] : {std::pair{"answered", sums.answered}, std::pair{"refused", sums.refused},
                                        std::pair{"lost", sums.lost}, std::pair{"canceled", sums.canceled}})
      page.add({{"peer", peer}, {"result", result}}, static_cast<double>(count));
  page.begin_counter("troupe_link_bytes_total", "Bytes on these links, as the network carries them.");
  for (const auto& [peer, sums] : links) {
    page.add({{"peer", peer}, {"direction", "in"}}, static_cast<double>(sums.bytes_in));
    page.add({{"peer", peer}, {"direction", "out"}}, static_cast<double>(sums.bytes_out));
  }
}

void add_members(http::metrics_page& page, const cluster::member_table& table, const node_cluster::figures& seen) {
  std::array<std::size_t, cluster::member_states> states{};
  for (const auto& [id, peer] : table.peers())
    ++states[static_cast<std::size_t>(table.state_of(id))];
  page.begin_gauge("troupe_cluster_peers", "Other nodes of the cluster, by what this one thinks of them.");
  for (std::size_t i = 0; i < states.size(); ++i)
    page.add({{"state", word_for(static_cast<cluster::member_state>(i))}}, static_cast<double>(states[i]));
  using kind = cluster::member_change::kind;
  constexpr std::array<std::pair<kind, std::string_view>, 5> changes = {{{kind::joined, "joined"},
                                                                         {kind::left, "left"},
                                                                         {kind::removed, "removed"},
                                                                         {kind::suspected, "suspected"},
                                                                         {kind::healed, "trusted"}}};
  page.begin_counter("troupe_cluster_changes_total", "What this node saw happen to other nodes.");
  for (const auto& [what, word] : changes) {
    const auto found = seen.changes.find(what);
    page.add({{"change", word}}, found == seen.changes.end() ? 0 : static_cast<double>(found->second));
  }
  if (seen.session_age) {
    page.begin_gauge("troupe_store_session_age_seconds", "Since the store last confirmed that this node lives.");
    page.add({}, std::chrono::duration<double>(*seen.session_age).count());
  }
}

}  // namespace

void add_copies(http::metrics_page& page, const node_cluster& cluster, const cluster::copy_lag& lag) {
  std::size_t copies = 0;
  std::size_t behind = 0;
  std::map<std::string_view, std::uint64_t> lags;
  for (const auto& [id, peer] : cluster.members().table().peers()) {
    ++copies;
    const auto* load = cluster.load_of(id);
    if (load != nullptr)
      lags[peer.name] = lag.of(load->numbers.figures.store_cursor, load->heard_at);
    if (load == nullptr || lags[peer.name] != 0)
      ++behind;
  }
  page.begin_gauge("troupe_store_copies", "Copies of the store at other nodes; only the primary knows.");
  page.add({}, static_cast<double>(copies));
  page.begin_gauge("troupe_store_copies_behind",
                   "Of these, those that lacked commits when they were last heard, or were not heard yet.");
  page.add({}, static_cast<double>(behind));
  page.begin_gauge("troupe_store_copy_lag_commits", "Commits that the peer's copy lacked when it was last heard.");
  for (const auto& [peer, commits] : lags)
    page.add({{"peer", peer}}, static_cast<double>(commits));
}

void add_cluster(http::metrics_page& page, const node_cluster& cluster) {
  const auto seen = cluster.look();
  add_members(page, cluster.members().table(), seen);
  add_links(page, cluster.members());
  page.begin_gauge("troupe_control_contacts", "Other nodes that are in contact over the control plane.");
  page.add({}, static_cast<double>(seen.control_contacts));
  page.begin_gauge("troupe_control_requests_pending", "Requests to other nodes that are not answered yet.");
  page.add({}, static_cast<double>(seen.control_requests));
  page.begin_counter("troupe_control_requests_unanswered_total", "Requests that other nodes did not answer in time.");
  page.add({}, static_cast<double>(seen.control_unanswered));
  page.begin_gauge("troupe_code_missing", "Deployed packages that this node does not have, or not whole.");
  page.add({}, static_cast<double>(seen.code.missing));
  page.begin_counter("troupe_code_pieces_total", "Pieces of code that were asked of other nodes.");
  page.add({{"result", "stored"}}, static_cast<double>(seen.code.pieces));
  page.add({{"result", "failed"}}, static_cast<double>(seen.code.failed));
  page.begin_counter("troupe_code_fetched_bytes_total", "Bytes of code that came from other nodes.");
  page.add({}, static_cast<double>(seen.code.bytes));
}

}  // namespace troupe::cli
