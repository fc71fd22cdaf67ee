#include "actors/stores/store_engine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cluster/store_codec.hpp"
#include "config/boot_clock.hpp"
#include "config/log.hpp"

namespace troupe::actors {

using namespace cluster;

namespace {

constexpr milliseconds busy_tick{100};
/// Alone and idle: nothing waits, only a disk that was full is tried again.
constexpr milliseconds idle_tick{1'000};

bool is_repeatable(const store_call& call) {
  return std::holds_alternative<outcome_call>(call) || std::holds_alternative<barrier_call>(call) ||
         std::holds_alternative<renew_call>(call) || std::holds_alternative<spread_call>(call);
}

/// The session of this node that a call opens or renews.
std::optional<session_id> own_session_in(const store_call& call, const node_id& self) {
  if (const auto* open = std::get_if<open_session_call>(&call); open != nullptr && open->node == self)
    return open->session;
  if (const auto* renew = std::get_if<renew_call>(&call); renew != nullptr && renew->node == self)
    return renew->session;
  return std::nullopt;
}

}  // namespace

error closed_store_error() {
  return {errc::unavailable, "the store is closed"};
}

error late_call_error() {
  return {errc::unavailable, "the deadline passed before the store came to the call; it did nothing"};
}

store_engine::store_engine(cluster_store_options options, store_disk disk, store_node node,
                           std::shared_ptr<published_point> point)
    : options_{std::move(options)}, disk_{std::move(disk)}, node_{std::move(node)}, point_{std::move(point)} {}

void store_engine::start() {
  ticked_at_ = clock::now();
  act(node_.start(now()));
  publish_health();
}

store_now store_engine::now() const {
  return {clock::now(), boot_now()};
}

store_status store_engine::status() const {
  return node_.status(now());
}

/// Whether no other node can be the primary, or know of a commit that this one does not.
bool store_engine::alone() const {
  return role_ == store_role::primary && node_.records().find_all("node/").size() <= 1;
}

void store_engine::when_there(time_point deadline, std::function<void(const error* why_not)> done) {
  if (deadline < clock::now()) {
    const auto late = late_call_error();
    return done(&late);
  }
  if (role_ != store_role::empty)
    return done(nullptr);
  waiters_.push_back({deadline, std::move(done)});
}

void store_engine::open(time_point deadline, callback<expected<store_identity>> done) {
  when_there(deadline, [this, done = std::move(done)](const error* why_not) {
    done(why_not != nullptr ? tl::unexpected{*why_not} : expected<store_identity>{status().identity});
  });
}

void store_engine::load(time_point deadline, callback<expected<loaded_history>> done) {
  when_there(deadline, [this, done = std::move(done)](const error* why_not) {
    if (why_not != nullptr)
      return done(tl::unexpected{*why_not});
    done(loaded_history{node_.records().load(), identity_.generation});
  });
}

void store_engine::barrier(time_point deadline, callback<expected<cursor>> done) {
  if (deadline < clock::now())
    return done(tl::unexpected{late_call_error()});
  if (alone())
    return done(node_.records().barrier());
  call(barrier_call{}, deadline, [done = std::move(done)](store_answer answer) {
    if (const auto* at = std::get_if<reached>(&answer))
      return done(at->at);
    const auto* refusal = std::get_if<refused>(&answer);
    done(tl::unexpected{refusal != nullptr ? refusal->why : error{errc::bug, "a barrier was answered otherwise"}});
  });
}

void store_engine::follow(const std::optional<generation>& of, cursor from, time_point deadline,
                          callback<follow_result> done) {
  const bool stale = from < known_from_ || (of && *of != identity_.generation);
  auto found = stale ? follow_result{gap{}} : node_.records().follow(from);
  const auto* commits = std::get_if<batch>(&found);
  if (commits == nullptr || !commits->commits.empty() || deadline <= clock::now())
    return done(std::move(found));
  if (followers_.size() >= options_.max_followers)
    return done(refused{{errc::unavailable, std::to_string(followers_.size()) + " followers wait already"}});
  followers_.push_back({from, deadline, std::move(done)});
}

void store_engine::call(store_call what, time_point deadline, callback<store_answer> done) {
  const auto number = ++next_call_;
  calls_.emplace(number,
                 asked{std::move(done), id_of(what), is_repeatable(what), std::holds_alternative<commit_call>(what),
                       own_session_in(what, options_.node.self.id), clock::now()});
  act(node_.call(number, std::move(what), deadline, now()));
}

void store_engine::link_up(const node_id& node, std::uint64_t session) {
  sessions_[node] = session;
  links_due_ = true;
  act(node_.link_up(node, now()));
}

void store_engine::link_down(const node_id& node, std::uint64_t session) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || found->second != session)
    return;
  sessions_.erase(found);
  links_due_ = true;
  act(node_.link_down(node, now()));
}

void store_engine::received(const node_id& node, std::uint64_t session, std::string_view message) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || found->second != session)
    return;
  auto read = decode_store_message(message);
  if (!read)
    return log_event(log_level::error, "store_message_unreadable",
                     {{"node", to_string(node)}, {"reason", read.error().what}});
  if (const auto* rows = std::get_if<rows_message>(&*read); rows != nullptr && !rows->rows.empty())
    told_tip_ = std::max(told_tip_, rows->rows.back().head.at);
  else if (const auto* hello = std::get_if<hello_message>(&*read);
           hello != nullptr && hello->identity.store_id == identity_.store_id)
    told_tip_ = std::max(told_tip_, hello->at);
  act(node_.received(node, std::move(*read), now()));
}

void store_engine::probed(const node_id& node, const uuid& incarnation, bool alive) {
  act(node_.probed(node, incarnation, alive, now()));
}

milliseconds store_engine::tick_interval() const {
  return options_.network != nullptr || !calls_.empty() ? busy_tick : idle_tick;
}

time_point store_engine::alarm() const {
  auto next = ticked_at_ + tick_interval();
  for (const auto& each : followers_)
    next = std::min(next, each.deadline);
  for (const auto& each : waiters_)
    next = std::min(next, each.deadline);
  return next;
}

void store_engine::on_alarm() {
  const auto current = clock::now();
  expire(current);
  if (current < ticked_at_ + tick_interval())
    return;
  ticked_at_ = current;
  links_due_ = true;
  act(node_.tick(now()));
  remember_place(current);
  publish_health();
}

void store_engine::expire(time_point current) {
  const auto late = std::stable_partition(followers_.begin(), followers_.end(),
                                          [&](const follower& each) { return each.deadline > current; });
  const std::vector<follower> expired{std::make_move_iterator(late), std::make_move_iterator(followers_.end())};
  followers_.erase(late, followers_.end());
  for (const auto& each : expired)
    each.done(batch{});
  const auto gone = std::stable_partition(waiters_.begin(), waiters_.end(),
                                          [&](const waiter& each) { return each.deadline > current; });
  const std::vector<waiter> in_vain{std::make_move_iterator(gone), std::make_move_iterator(waiters_.end())};
  waiters_.erase(gone, waiters_.end());
  const error why{errc::unavailable, "this node has not joined its cluster yet"};
  for (const auto& each : in_vain)
    each.done(&why);
}

void store_engine::close() {
  const auto why = closed_store_error();
  for (const auto& each : std::exchange(followers_, {}))
    each.done(refused{why});
  for (const auto& each : std::exchange(waiters_, {}))
    each.done(&why);
  // What was sent to the primary may still be applied there.
  const bool elsewhere = role_ != store_role::primary;
  const error unknown{errc::unknown_outcome, "the store was closed before the primary's answer came"};
  for (const auto& [number, each] : std::exchange(calls_, {}))
    each.done(refused{elsewhere && !each.repeatable ? unknown : why});
}

}  // namespace troupe::actors
