// What must become durable, and what follows once it is or is not.
#include <algorithm>

#include "cluster/store_node_state.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

bool may_succeed_later(persist_failure failure) {
  return failure == persist_failure::full || failure == persist_failure::postponed;
}

}  // namespace

void store_node::state::persist_staged(disk_write write) {
  write.number = ++next_write_;
  writing_ = std::move(write);
  out_.push_back(persist_rows{writing_->number, store_.staged()});
}

/// A copy's turn at the disk.
void store_node::state::pump_copy() {
  if (writing_ || role_ == store_role::primary)
    return;
  if (arrived_)
    return persist_arrived();
  if (wants_whole_ || !sync_.has_rows())
    return;
  if (auto good = sync_.stage(store_); !good) {
    follow_later(seconds{1});
    return event(store_event::kind::refused_peer, "rows of the store are not taken: " + good.error().what);
  }
  if (!store_.has_staged())
    return;
  disk_write write;
  write.what = disk_write::kind::rows;
  persist_staged(std::move(write));
}

void store_node::state::persist_arrived() {
  auto store = std::exchange(arrived_, nullptr);
  auto checked = primary::make(store->state, options_.limits, store->identity.generation.counter);
  if (!checked || store->identity.store_id == uuid{}) {
    follow_later(seconds{1});
    const auto why = checked ? std::string{"it has no identity"} : checked.error().what;
    return event(store_event::kind::refused_peer, "the store that was loaded is not whole: " + why);
  }
  disk_write write;
  write.number = ++next_write_;
  write.what = disk_write::kind::whole;
  write.whole = store;
  write.loaded = std::move(*checked);
  writing_ = std::move(write);
  // What replaces a copy that is damaged is the same history.
  const auto cut = replaced_by_ ? cut_ : std::nullopt;
  out_.push_back(persist_whole{writing_->number, std::move(store), set_aside_, cut});
}

void store_node::state::persisted(std::uint64_t number) {
  if (!writing_ || writing_->number != number)
    return;
  auto write = std::move(*writing_);
  writing_.reset();
  if (const auto waited = std::exchange(write_waits_, std::nullopt))
    event(store_event::kind::resumed,
          *waited == persist_failure::full ? "the disk has room again" : "the store was written after all");
  if (write.what == disk_write::kind::whole) {
    whole_durable(write);
  } else {
    const bool leader_changed = news_of(store_.staged());
    store_.made_durable();
    durable();
    // Whoever looks for the leader at an older address hears the new one.
    if (leader_changed)
      hello_all();
  }
  for (auto& each : write.calls)
    answer(each.from, std::move(each.answer));
  review();
  say_level();
  check_spreads();
  choose_upstream();
  send_forwarded();
  pump();
  pump_copy();
}

/// After any row became durable: copies first, then whoever waits for an answer.
void store_node::state::durable() {
  if (role_ == store_role::primary)
    for (const auto& gone : sessions_.follow(store_, now_.boot))
      event(store_event::kind::session_ended, "the session of " + name_of(gone.node) + " ended");
  out_.push_back(records_changed{store_.barrier(), false});
  pump_feed();
}

void store_node::state::whole_durable(disk_write& write) {
  const bool other =
      identity_.store_id != write.whole->identity.store_id || identity_.generation != write.whole->identity.generation;
  if (other && identity_.store_id != uuid{} && !replaced_by_)
    out_.push_back(history_replaced{write.whole->identity});
  identity_ = write.whole->identity;
  store_ = std::move(*write.loaded);
  role_ = store_role::copy;
  leader_ = {};  // `review` reads it from the records
  wants_whole_ = false;
  set_aside_.clear();
  cut_.reset();
  replaced_by_.reset();
  met_.clear();
  halted_.clear();
  registered_ = false;
  for (const auto& node : feed_.drop_all())
    out_.push_back(send_message{node, not_fed_message{}});
  compare_all();
  event(store_event::kind::loaded, "the store was loaded at commit " + std::to_string(store_.barrier().value));
  out_.push_back(records_changed{store_.barrier(), true});
}

/// Nodes that come and go, sessions that end. Before the changes are durable in memory.
/// @returns whether the leader says something else of itself.
bool store_node::state::news_of(const staged_changes& changes) {
  bool leader_changed = false;
  for (const auto* put : changes.puts) {
    leader_changed = leader_changed || put->key == node_key(leader_);
    if (put->key.starts_with("node/") && store_.find(put->key) == nullptr)
      if (const auto node = decode_node(*put))
        event(store_event::kind::joined, node->name + " joined the cluster");
  }
  sessions_ended ended;
  for (const auto key : changes.erased) {
    const auto* stored = store_.find(std::string{key});
    if (stored == nullptr)
      continue;
    if (key.starts_with("node/"))
      if (const auto node = decode_node(*stored))
        event(store_event::kind::removed, node->name + " was removed from the cluster");
    // It was removed while it was down, and its copy did not know.
    if (key == node_key(options_.self.id))
      registered_ = false;
    if (key.starts_with("session/"))
      if (const auto session = decode_session(*stored))
        ended.sessions.push_back(session->session);
  }
  if (!ended.sessions.empty())
    out_.push_back(std::move(ended));
  return leader_changed;
}

void store_node::state::persist_failed(std::uint64_t number, persist_failure failure, const std::string& why) {
  if (!writing_ || writing_->number != number)
    return;
  auto write = std::move(*writing_);
  writing_.reset();
  if (may_succeed_later(failure) && write_waits_ != failure) {
    write_waits_ = failure;
    event(store_event::kind::halted,
          (failure == persist_failure::full ? "the disk is full: " : "the store cannot be loaded yet: ") + why);
  }
  if (write.what == disk_write::kind::group)
    group_failed(write, failure, why);
  else
    copy_failed(failure, why);
  pump();
}

void store_node::state::group_failed(disk_write& write, persist_failure failure, const std::string& why) {
  store_.drop_staged();
  sessions_.retry();
  const bool unknown = failure == persist_failure::unknown;
  for (auto& each : write.calls) {
    if (each.holds_anyway) {
      answer(each.from, std::move(each.answer));
      continue;
    }
    // What only compared itself with staged rows wrote nothing of its own.
    const auto code = failure == persist_failure::full ? errc::full
                      : unknown && each.wrote          ? errc::unknown_outcome
                                                       : errc::unavailable;
    answer(each.from, refused{{code, "the commit was not written: " + why}});
  }
  if (failure != persist_failure::full)
    halt("commits are refused until " + options_.self.name + " is restarted, because a write failed: " + why);
  if (move_ && move_->written()) {
    // An unknown last row may be on the disk: only the next start tells.
    move_->not_written();
    move_.reset();
    sessions_.refresh(now_.boot);
  }
}

void store_node::state::copy_failed(persist_failure failure, const std::string& why) {
  store_.drop_staged();
  follow_later(may_succeed_later(failure) ? seconds{1} : seconds{2});
  if (may_succeed_later(failure))
    return;
  wants_whole_ = true;
  set_aside_ = "the copy is damaged: " + why;
  event(store_event::kind::halted, "the copy of the store is damaged and is loaded anew: " + why);
}

}  // namespace troupe::cluster
