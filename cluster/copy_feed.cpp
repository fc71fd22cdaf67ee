#include "cluster/copy_feed.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster {

void copy_feed::subscribe(const node_id& node, const subscribe_message& from, const store_identity& identity,
                          const history& records, time_point now) {
  followers_.erase(node);
  const bool same = from.identity.store_id == identity.store_id && from.identity.generation == identity.generation;
  const auto hash = records.hash_at(from.from);
  if (same && (from.from > records.barrier() || (hash && *hash != from.hash)))
    return;
  follower added;
  if (same && hash && records.rows_after(from.from, 1)) {
    added.sent = from.from;
    added.level = follower_level{from.from, from.hash, now};
  } else {
    added.loading = load{picture(identity, records)};
  }
  followers_.emplace(node, std::move(added));
}

void copy_feed::drop(const node_id& node) {
  followers_.erase(node);
}

std::vector<node_id> copy_feed::drop_all() {
  std::vector<node_id> dropped;
  for (const auto& [node, each] : std::exchange(followers_, {}))
    dropped.push_back(node);
  return dropped;
}

void copy_feed::said(const node_id& node, const level_message& durable, time_point now) {
  const auto found = followers_.find(node);
  if (found == followers_.end())
    return;
  auto& [sent, in_flight, in_flight_bytes, level, loading] = found->second;
  level = follower_level{durable.at, durable.hash, now};
  for (; !in_flight.empty() && in_flight.front().first <= durable.at; in_flight.pop_front())
    in_flight_bytes -= in_flight.front().second;
}

void copy_feed::load_next(const node_id& node, std::uint64_t piece) {
  const auto found = followers_.find(node);
  if (found != followers_.end() && found->second.loading && found->second.loading->piece == piece)
    found->second.loading->asked = true;
}

std::vector<send_message> copy_feed::pump(const store_identity& identity, const history& records) {
  std::vector<send_message> out;
  for (auto& [node, to] : followers_) {
    if (!to.loading)
      pump_rows(node, to, identity, records, out);
    if (!to.loading || !std::exchange(to.loading->asked, false))
      continue;
    auto piece = next_piece(*to.loading);
    if (piece.last) {
      to.sent = piece.at;
      to.loading.reset();
    }
    out.push_back({node, std::move(piece)});
  }
  return out;
}

void copy_feed::pump_rows(const node_id& node, follower& to, const store_identity& identity, const history& records,
                          std::vector<send_message>& out) {
  while (to.sent < records.barrier() && to.in_flight_bytes < limits_.window_bytes) {
    auto rows = records.rows_after(to.sent, limits_.message_bytes);
    if (!rows) {
      to = follower{};
      to.loading = load{picture(identity, records)};
      return;
    }
    for (const auto& row : *rows) {
      to.in_flight.emplace_back(row.head.at, row.body.size() + row_overhead);
      to.in_flight_bytes += row.body.size() + row_overhead;
    }
    to.sent = rows->back().head.at;
    out.push_back({node, rows_message{std::move(*rows)}});
  }
}

std::shared_ptr<const stored_store> copy_feed::picture(const store_identity& identity, const history& records) {
  if (auto last = last_picture_.lock(); last && last->identity.store_id == identity.store_id &&
                                        last->identity.generation == identity.generation &&
                                        !last->state.heads.empty() && last->state.heads.back().hash == records.hash())
    return last;
  auto made = std::make_shared<const stored_store>(stored_store{identity, records.whole()});
  last_picture_ = made;
  return made;
}

load_message copy_feed::next_piece(load& loading) const {
  const auto& state = loading.store->state;
  load_message piece;
  piece.number = loading.piece++;
  piece.identity = loading.store->identity;
  piece.at = state.heads.empty() ? cursor{} : state.heads.back().at;
  std::size_t bytes = 0;
  for (; loading.records < state.records.size() && bytes < limits_.message_bytes; ++loading.records) {
    const auto& each = state.records[loading.records];
    bytes += each.key.size() + each.value.size() + row_overhead;
    piece.records.push_back(each);
  }
  for (; loading.heads < state.heads.size() && bytes < limits_.message_bytes; ++loading.heads) {
    bytes += row_overhead;
    piece.heads.push_back(state.heads[loading.heads]);
  }
  piece.last = loading.records == state.records.size() && loading.heads == state.heads.size();
  if (piece.last && !state.bodies.empty())
    piece.body = state.bodies.back().second;
  return piece;
}

const follower_level* copy_feed::level(const node_id& node) const {
  const auto found = followers_.find(node);
  return found == followers_.end() || !found->second.level ? nullptr : &*found->second.level;
}

std::vector<node_id> copy_feed::behind(cursor at) const {
  std::vector<node_id> late;
  for (const auto& [node, each] : followers_)
    if (!each.level || each.level->at < at)
      late.push_back(node);
  return late;
}

}  // namespace troupe::cluster
