// Carries out what a store_node wants done.
#include <algorithm>
#include <utility>

#include "actors/stores/store_engine.hpp"
#include "cluster/store_codec.hpp"
#include "cluster/store_record_codec.hpp"
#include "config/log.hpp"

namespace troupe::actors {

using namespace cluster;

namespace {

/// The primary is looked for at the addresses of seeds when it has been away for so long.
constexpr seconds patience_with_known_addresses{3};
constexpr seconds place_interval{1};

persist_failure failure_of(errc code) {
  switch (code) {
    case errc::full: return persist_failure::full;
    case errc::unknown_outcome: return persist_failure::unknown;
    default: return persist_failure::refused;
  }
}

bool same_links(const std::vector<wanted_link>& left, const std::vector<wanted_link>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& a, const auto& b) { return a.node == b.node && a.addresses == b.addresses; });
}

}  // namespace

void store_engine::act(store_actions actions) {
  for (auto& action : actions)
    std::visit([this](auto& each) { carry_out(each); }, action);
  for (const auto& each : std::exchange(unanswerable_, {}))
    act(node_.probed(each.node, each.incarnation, false, now()));
  if (std::exchange(links_due_, false))
    review_links();
}

void store_engine::write(const std::function<void()>& feed) {
  if (!write_)
    return;
  const auto action = std::move(*write_);
  write_.reset();
  if (const auto* rows = std::get_if<persist_rows>(&action))
    return persist(*rows, feed);
  const auto& whole = std::get<persist_whole>(action);
  const auto done = disk_.replace(*whole.store, whole.set_aside);
  feed();
  act(done ? node_.persisted(whole.number, now())
           : node_.persist_failed(whole.number, failure_of(done.error().code), done.error().what, now()));
}

void store_engine::persist(const persist_rows& action, const std::function<void()>& feed) {
  const auto done = disk_.persist(action.changes);
  if (!done && done.error().code == errc::unknown_outcome)
    for (const auto& row : action.changes.rows)
      in_doubt_.insert(row.head.id);
  feed();
  act(done ? node_.persisted(action.number, now())
           : node_.persist_failed(action.number, failure_of(done.error().code), done.error().what, now()));
}

void store_engine::carry_out(send_message& action) {
  const auto session = sessions_.find(action.to);
  if (session != sessions_.end())
    options_.network->send(action.to, session->second, encode(action.message));
}

void store_engine::carry_out(answer_call& action) {
  const auto found = calls_.find(action.number);
  if (found == calls_.end())
    return;
  const auto call = std::move(found->second);
  calls_.erase(found);
  // A repeat knows no more than the first try of its id.
  if (auto* refusal = std::get_if<refused>(&action.answer);
      refusal != nullptr && refusal->why.code == errc::unavailable && call.id && in_doubt_.contains(*call.id))
    refusal->why.code = errc::unknown_outcome;
  call.done(std::move(action.answer));
}

void store_engine::carry_out(store_event& action) {
  if (options_.notices.on_event)
    options_.notices.on_event(action);
}

void store_engine::carry_out(role_changed& action) {
  role_ = action.role;
  primary_ = action.primary;
  links_due_ = true;
  publish();
  answer_waiters();
  if (options_.notices.on_role)
    options_.notices.on_role(action.role, action.primary);
}

void store_engine::carry_out(records_changed& action) {
  if (action.whole) {
    // The log of a store that was loaded begins there; what a follower knew may not be part of it.
    known_from_ = action.at;
    role_ = status().role;
    links_due_ = true;
  }
  publish();
  answer_waiters();
  answer_followers(action.whole);
}

void store_engine::carry_out(history_replaced& action) {
  if (options_.notices.on_history_replaced)
    options_.notices.on_history_replaced(action.identity);
}

void store_engine::carry_out(sessions_ended& action) {
  if (options_.notices.on_sessions_ended)
    options_.notices.on_sessions_ended(action.sessions);
}

void store_engine::carry_out(probe_incarnation& action) {
  if (options_.network != nullptr)
    options_.network->probe(action);
  else
    unanswerable_.push_back(std::move(action));
}

void store_engine::answer_followers(bool whole) {
  if (followers_.empty())
    return;
  if (!whole && followers_.front().from == node_.records().barrier())
    return;
  const auto waited = std::exchange(followers_, {});
  const auto found = whole ? follow_result{gap{}} : node_.records().follow(waited.front().from);
  for (const auto& each : waited)
    each.done(found);
}

void store_engine::answer_waiters() {
  if (role_ == store_role::empty)
    return;
  for (const auto& each : std::exchange(waiters_, {}))
    each.done(nullptr);
}

void store_engine::publish() {
  const auto known = status();
  point_->set(std::make_shared<const store_point>(
      store_point{known.role, known.identity, known.at, known.hash, known.primary}));
}

void store_engine::review_links() {
  if (options_.network == nullptr)
    return;
  auto wanted = node_.wanted_links();
  std::vector<std::string> seeds;
  if (role_ != store_role::primary) {
    const auto known = status();
    if (role_ == store_role::empty || (!known.in_reach && known.out_of_reach >= patience_with_known_addresses))
      seeds = options_.seeds;
  } else if (alone()) {
    // It keeps its store; whether its seeds are of another cluster must show, there and here.
    seeds = options_.seeds;
  }
  if (same_links(wanted, wanted_) && seeds == sought_)
    return;
  wanted_ = std::move(wanted);
  sought_ = std::move(seeds);
  options_.network->want(wanted_, sought_);
}

/// Beside the store: where it would be loaded from, should it be damaged one day.
void store_engine::remember_place(time_point current) {
  if (options_.network == nullptr || role_ == store_role::empty || current < place_due_)
    return;
  place_due_ = current + place_interval;
  store_place place{role_, point_->get()->identity.store_id, {}};
  for (const auto* stored : node_.records().find_all("node/"))
    if (const auto node = decode_node(*stored); node && node->id != options_.node.self.id)
      place.addresses.insert(place.addresses.end(), node->addresses.begin(), node->addresses.end());
  if (place_ == place)
    return;
  if (auto written = write_store_place(options_.data_dir, place); !written)
    log_event(log_level::warning, "store_place_not_written", {{"reason", written.error().what}});
  // Also when it failed: a full disk is said once.
  place_ = std::move(place);
}

}  // namespace troupe::actors
