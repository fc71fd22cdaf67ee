// Who leads: what the history says of it, the start of a primary, moves, and what stops one.
#include <algorithm>

#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

/// How long an older process of this node is looked for, and how often.
constexpr milliseconds rival_wait{1'500};
constexpr milliseconds rival_interval{500};

}  // namespace

/// Follows what the durable history says of the primary.
void store_node::state::review() {
  const auto named = primary_of(store_);
  if (role_ == store_role::empty || wants_whole_ || named == node_id{} || named == leader_)
    return;
  leader_ = named;
  event(store_event::kind::primary_changed, name_of(leader_) + " is the store's primary");
  if (leader_ == options_.self.id)
    lead();
  else if (role_ == store_role::primary)
    step_back();
  out_.push_back(role_changed{role_, leader_});
  hello_all();
  choose_upstream();
  send_forwarded();
}

void store_node::state::lead() {
  unfollow();
  role_ = store_role::primary;
  away_since_.reset();
  retry_at_.reset();
  clock_base_ = store_.last_time();
  clock_from_ = now_.steady;
  sessions_ = {};
  sessions_.follow(store_, now_.boot);
  claims_closed_until_.reset();
  if (const auto* closed = store_.find(claims_closed_key); closed != nullptr)
    claims_closed_until_ = now_.boot + decode_span(*closed).value_or(milliseconds{0});
  // What was sent to the old primary is answered from there, or settled as unknown when the link breaks.
  for (auto i = forwarded_.begin(); i != forwarded_.end();) {
    if (i->second.sent_to) {
      ++i;
      continue;
    }
    queue_.push_back(std::move(i->second.call));
    i = forwarded_.erase(i);
  }
  registered_ = false;
}

void store_node::state::step_back() {
  role_ = store_role::copy;
  move_.reset();
  move_caller_.reset();
  starting_until_.reset();
  expire_now_ = false;
  sessions_ = {};
  halted_.clear();
  away_since_ = now_.steady;
  auto waiting = std::exchange(queue_, {});
  for (auto& each : std::exchange(probes_, {}))
    for (auto& call : each.calls)
      waiting.push_back(std::move(call));
  waiting_bytes_ = 0;
  for (const auto& [number, each] : forwarded_)
    waiting_bytes_ += each.call.bytes;
  for (auto& each : waiting)
    forward(std::move(each));
  for (const auto& each : std::exchange(spreads_, {}))
    answer(each.from, refused{{errc::unavailable, "the store moved"}});
}

void store_node::state::begin_move(waiting_call call, const move_call& wanted) {
  const auto refuse = [&](std::string why) { answer(call.from, refused{{errc::refused, std::move(why)}}); };
  if (wanted.to == options_.self.id)
    return refuse(options_.self.name + " is the store's primary already");
  if (store_.standing(node_key(wanted.to)) == nullptr)
    return refuse("node " + to_string(wanted.to) + " is not registered");
  if (feed_.level(wanted.to) == nullptr)
    return refuse(name_of(wanted.to) + " does not follow the store now: it cannot become its primary");
  move_.emplace(wanted.to, wanted.id, now_.steady, options_.move_wait);
  move_caller_ = call.from;
}

void store_node::state::advance_move() {
  if (!move_ || move_->written() || writing_)
    return;
  if (move_->late(now_.steady))
    return end_move({errc::unavailable, name_of(move_->to()) + " was not level with the store in time: " +
                                            options_.self.name + " stays its primary"});
  if (!halted_.empty())
    return end_move({errc::unavailable, halted_});
  const auto* level = feed_.level(move_->to());
  if (level == nullptr || !store_move::level(store_, level->at, level->hash, level->said_at, now_.steady))
    return;
  auto result = move_->write_last_row(store_, store_time());
  const auto* done = std::get_if<committed>(&result);
  if (done == nullptr || !store_.has_staged())
    return end_move({errc::refused, "the id of this move was used before"});
  disk_write write;
  write.last_row = true;
  write.calls.push_back({*move_caller_, *done, true, false});
  persist_staged(std::move(write));
}

void store_node::state::end_move(const error& why) {
  move_.reset();
  if (move_caller_)
    answer(*std::exchange(move_caller_, std::nullopt), refused{why});
  sessions_.refresh(now_.boot);
  pump();
}

void store_node::state::halt(std::string why) {
  if (!halted_.empty())
    return;
  halted_ = std::move(why);
  event(store_event::kind::halted, halted_);
  hello_all();
}

/// A copy of a primary's data directory is a primary as well. It may neither lead nor say anything to others before it
/// knows that the process which its history has as live is gone.
void store_node::state::look_for_rival() {
  const auto* stored = store_.find(live_key(options_.self.id));
  const auto live = stored == nullptr ? std::nullopt : std::optional{decode_session(*stored)};
  if (!live || !*live || (*live)->incarnation == options_.incarnation || options_.self.addresses.empty() ||
      (*live)->address == options_.self.addresses.front())
    return;
  rival_ = rival_process{(*live)->incarnation, (*live)->address, now_.steady + rival_wait, now_.steady};
  starting_until_ = std::max(starting_until_.value_or(now_.steady), rival_->until);
}

void store_node::state::check_rival() {
  if (!rival_)
    return;
  if (now_.steady >= rival_->until) {
    rival_.reset();
  } else if (now_.steady >= rival_->ask_at) {
    // Again when no word comes: the first question may have been too early for the network.
    rival_->ask_at = now_.steady + rival_interval;
    out_.push_back(probe_incarnation{options_.self.id, rival_->incarnation, rival_->address});
  }
}

/// A starting primary waits until every registered node was asked whether it knows more.
void store_node::state::check_start() {
  if (!starting_until_ || rival_)
    return;
  const auto all = others();
  const bool asked = std::all_of(all.begin(), all.end(), [&](const auto& each) { return asked_.contains(each.id); });
  if (!asked && now_.steady < *starting_until_)
    return;
  starting_until_.reset();
  sessions_.refresh(now_.boot);
  pump();
}

void store_node::state::check_claims_closed() {
  if (claims_closed_until_ && store_.find(claims_closed_key) == nullptr)
    claims_closed_until_.reset();
}

std::vector<node_record> store_node::state::others() const {
  std::vector<node_record> found;
  for (const auto* stored : store_.find_all("node/"))
    if (auto node = decode_node(*stored); node && node->id != options_.self.id)
      found.push_back(std::move(*node));
  return found;
}

std::string store_node::state::name_of(const node_id& node) const {
  if (node == options_.self.id)
    return options_.self.name;
  if (node == leader_told_.id && node != node_id{})
    return leader_told_.name;
  const auto* stored = store_.find(node_key(node));
  if (stored != nullptr)
    if (const auto known = decode_node(*stored))
      return known->name;
  return to_string(node);
}

milliseconds store_node::state::store_time() const {
  return clock_base_ + std::chrono::duration_cast<milliseconds>(now_.steady - clock_from_);
}

void store_node::state::event(store_event::kind what, std::string text) {
  out_.push_back(store_event{what, std::move(text)});
}

store_status store_node::state::status(store_now now) const {
  store_status found;
  found.role = role_;
  found.identity = identity_;
  found.at = store_.barrier();
  found.hash = store_.hash();
  found.primary = leader_;
  found.primary_name = name_of(leader_);
  found.halted = halted_;
  found.sessions = store_.find_all("session/").size();
  if (role_ != store_role::primary) {
    found.in_reach = leader_serves();
    if (const auto peer = peers_.find(leader_); peer != peers_.end() && peer->second.hello)
      found.halted = peer->second.hello->halted;
    if (away_since_)
      found.out_of_reach = std::chrono::duration_cast<milliseconds>(now.steady - *away_since_);
    return found;
  }
  found.in_reach = halted_.empty() && !starting_until_;
  for (const auto& other : others()) {
    copy_status copy{other.id, other.name, {}, 0, peers_.contains(other.id), false};
    if (const auto* level = feed_.level(other.id)) {
      copy.at = level->at;
      copy.level = store_move::level(store_, level->at, level->hash, level->said_at, now.steady);
    }
    copy.lag = store_.barrier().value - std::min(copy.at, store_.barrier()).value;
    found.copies.push_back(std::move(copy));
  }
  return found;
}

std::vector<wanted_link> store_node::state::wanted_links() const {
  if (role_ == store_role::empty) {
    if (leader_ == node_id{})
      return {};
    return {{leader_, leader_told_.addresses}};
  }
  if (rival_)
    return {};
  std::vector<wanted_link> wanted;
  // A primary asks everybody at its start; later the copies dial it. After a restore they may look for the old primary
  // only, so that the new one looks for them until it has found them all. A copy that misses its primary looks for
  // those who may know another.
  const bool restored = role_ == store_role::primary && identity_.parent_store != uuid{};
  const bool all = role_ == store_role::primary ? starting_until_.has_value() : !leader_serves();
  if (all || restored) {
    for (auto& other : others())
      if (all || !met_.contains(other.id))
        wanted.push_back({other.id, std::move(other.addresses)});
  } else if (role_ != store_role::primary) {
    if (const auto* stored = store_.find(node_key(leader_)); stored != nullptr)
      if (auto known = decode_node(*stored))
        wanted.push_back({leader_, std::move(known->addresses)});
  }
  return wanted;
}

}  // namespace troupe::cluster
