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
  const auto kept = keep(whole);
  const auto done = kept.and_then([&](const std::string& file) { return replace(whole, file); });
  // Until the commits that it cuts off are kept nothing is replaced, whatever keeps them from it.
  const auto failed = [&] {
    const auto failure = failure_of(done.error().code);
    return kept || failure == persist_failure::full ? failure : persist_failure::postponed;
  };
  feed();
  act(done ? node_.persisted(whole.number, now())
           : node_.persist_failed(whole.number, failed(), done.error().what, now()));
}

/// @returns the file with the commits that are cut off; empty when there are none.
expected<std::string> store_engine::keep(const persist_whole& action) {
  return action.cut && options_.keep_commits ? options_.keep_commits(identity_, node_.records(), *action.cut)
                                             : std::string{};
}

expected<void> store_engine::replace(const persist_whole& action, const std::string& kept) {
  auto done = disk_.replace(*action.store, action.set_aside.empty() ? old_store::drop : old_store::set_aside);
  if (!done)
    return tl::unexpected{std::move(done.error())};
  if (!done->empty())
    log_event(log_level::warning, "store_set_aside", {{"path", *done}, {"reason", action.set_aside}});
  if (!kept.empty()) {
    store_event told{store_event::kind::set_aside, action.set_aside + "; they are kept in " + kept};
    carry_out(told);
  }
  return {};
}

void store_engine::persist(const persist_rows& action, const std::function<void()>& feed) {
  const auto begun_at = clock::now();
  const auto done = disk_.persist(action.changes);
  const auto took = clock::now() - begun_at;
  writes_took_.add(took);
  if (done) {
    point_->cells.written.observe(took);
    point_->cells.batches.observe(action.changes.rows.size());
  }
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
  note(call, action.answer);
  call.done(std::move(action.answer));
}

/// What an answer shows beside itself.
void store_engine::note(const asked& call, const store_answer& answer) {
  if (call.commits && std::holds_alternative<committed>(answer)) {
    const auto took = clock::now() - call.asked_at;
    commits_took_.add(took);
    point_->cells.committed.observe(took);
  }
  if (!call.session)
    return;
  if (std::holds_alternative<session_granted>(answer))
    session_ = call.session;
  else if (std::holds_alternative<no_session>(answer) && session_ == call.session)
    lose_session();
}

void store_engine::lose_session() {
  if (std::exchange(session_, std::nullopt))
    ++sessions_lost_;
}

void store_engine::carry_out(store_event& action) {
  if (options_.notices.on_event)
    options_.notices.on_event(action);
}

void store_engine::carry_out(role_changed& action) {
  role_ = action.role;
  primary_ = action.primary;
  identity_ = status().identity;
  links_due_ = true;
  publish();
  publish_health();
  answer_waiters();
  if (options_.notices.on_role)
    options_.notices.on_role(action.role, action.primary);
}

void store_engine::carry_out(records_changed& action) {
  if (action.whole) {
    // The log of a store that was loaded begins there; what a follower knew may not be part of it.
    known_from_ = action.at;
    const auto known = status();
    role_ = known.role;
    identity_ = known.identity;
    links_due_ = true;
  }
  publish();
  answer_waiters();
  answer_followers(action.whole);
}

void store_engine::carry_out(history_replaced& action) {
  lose_session();
  told_tip_ = {};
  if (options_.notices.on_history_replaced)
    options_.notices.on_history_replaced(action.identity);
}

void store_engine::carry_out(sessions_ended& action) {
  if (session_ && std::find(action.sessions.begin(), action.sessions.end(), *session_) != action.sessions.end())
    lose_session();
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
  const auto& records = node_.records();
  point_->set(
      std::make_shared<const store_point>(store_point{role_, identity_, records.barrier(), records.hash(), primary_}));
}

void store_engine::publish_health() {
  const auto known = status();
  store_health health;
  switch (known.role) {
    case store_role::empty: health.here = store_health::role::waiting; break;
    case store_role::copy: health.here = store_health::role::copy; break;
    case store_role::primary: health.here = store_health::role::authority; break;
  }
  health.authority_in_reach = known.in_reach;
  health.authority = known.primary_name;
  health.halted = known.halted;
  health.out_of_reach = known.out_of_reach;
  if (known.role == store_role::copy)
    health.lag_commits = std::max(told_tip_, known.at).value - known.at.value;
  health.size_bytes = disk_.size_bytes();
  health.sessions_lost = sessions_lost_;
  health.commit_p99 = commits_took_.p99();
  health.fsync_p99 = writes_took_.p99();
  point_->set(std::move(health));
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
  store_place place{role_, identity_.store_id, {}};
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
