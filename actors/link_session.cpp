#include "actors/link_session.hpp"

#include <algorithm>
#include <utility>

#include "config/boot_clock.hpp"

namespace troupe::actors {

namespace {

using cluster::link_call_place;
using cluster::link_event_kind;

/// Calls of the peer that run before the others of the loop have their turn: their functions may run inline. While the
/// loop's batch is young as many again, so that the answers to a burst of short ones leave together.
constexpr std::size_t max_calls_in_a_row = 16;
constexpr milliseconds long_batch{1};

/// The entry of a table by places, which grows as they do.
template <class T>
T& entry_at(std::vector<T>& table, std::uint64_t call) {
  const auto place = link_call_place(call);
  if (table.size() <= place)
    table.resize(place + 1);
  return table[place];
}

struct set_while {
  explicit set_while(bool& flag) noexcept : flag_{flag} { flag_ = true; }
  ~set_while() { flag_ = false; }
  set_while(const set_while&) = delete;
  set_while& operator=(const set_while&) = delete;

private:
  bool& flag_;
};

}  // namespace

link_session::link_session(event_loop& loop, session_owner& owner, const link_services* services,
                           cluster::link_state state, std::unique_ptr<stream_cipher> cipher,
                           std::shared_ptr<link_counts> counts)
    : loop_{loop}, owner_{owner}, services_{services}, state_{std::move(state)}, counts_{std::move(counts)},
      stream_{loop, *this, std::move(cipher)}, sleep_watch_{boot_now()} {
  if (counts_ != nullptr)
    stream_.count_into(*counts_);
  if (state_.open())
    peer_hello_ = std::make_shared<cluster::link_hello>(state_.peer());
}

link_session::~link_session() {
  for (auto* call : served_)
    if (call != nullptr)
      call->abandon();
}

void link_session::dial(const endpoint& peer, const std::string& from_host, milliseconds user_timeout) {
  if (const auto failure = stream_.dial(peer, from_host, user_timeout))
    on_stream_closed(*failure);
}

void link_session::adopt(int descriptor, std::string_view received, milliseconds user_timeout) {
  if (const auto failure = stream_.adopt(descriptor, user_timeout))
    return on_stream_closed(*failure);
  stream_.want_write();
  if (!received.empty())
    on_stream_bytes(received);
}

expected<std::uint64_t> link_session::call(cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                                           call_callback done) {
  auto id = state_.call(topic, std::move(head), std::move(body), deadline, loop_.now());
  if (!id)
    return id;
  try {
    entry_at(callbacks_, *id) = std::move(done);
    stream_.want_write();
  } catch (const std::bad_alloc&) {
    state_.cancel(*id);  // nothing of it has left: it never will
    throw;
  }
  count(&link_counts::calls_sent);
  return id;
}

void link_session::cancel(std::uint64_t call) {
  // It may have ended already, with its callback waiting for its turn.
  for (auto i = told_; i < telling_.size(); ++i)
    if (telling_[i].event.call == call && telling_[i].done) {
      telling_[i].done = nullptr;
      return;
    }
  if (!state_.owns(call))
    return;
  count(&link_counts::calls_canceled);
  callbacks_[link_call_place(call)] = nullptr;
  state_.cancel(call);
  dispatch();
}

void link_session::drain() {
  state_.drain();
  dispatch();
}

void link_session::close(session_end why) {
  if (!end_)
    end_ = std::move(why);
  state_.on_closed(end_->detail);
  dispatch();
}

void link_session::on_tick(time_point now) {
  notice_sleep();
  sleep_watch_.ticked(boot_now());
  if (std::exchange(owes_an_answer_, false))
    return close({stream_end::broken, true, "this node had no memory to say what became of a call"});
  state_.on_tick(now);
  dispatch();
}

/// Asked behind each read, since the process may have been stopped between the wait for events and the read.
void link_session::notice_sleep() {
  if (!sleep_watch_.slept(boot_now()))
    return;
  loop_.refresh_now();
  state_.on_slept(loop_.now());
  for (auto i = told_; i < telling_.size(); ++i)
    if (telling_[i].event.kind == link_event_kind::called)
      state_.refuse(telling_[i].event.call, errc::stale, "this node slept while the call waited for its turn");
}

bool link_session::idle() const noexcept {
  return state_.peer_calls() == 0 && !state_.has_output() && !stream_.has_unsent();
}

void link_session::on_stream_open() {
  stream_.want_write();
}

void link_session::on_stream_bytes(std::string_view bytes) {
  notice_sleep();
  state_.on_bytes(bytes, loop_.now());
  dispatch();
}

void link_session::on_stream_turn() {
  notice_sleep();
  calls_left_ = max_calls_in_a_row;
  dispatch();
}

void link_session::on_stream_pull(buffer& out, std::size_t up_to) {
  state_.pull(out, up_to, loop_.now());
  if (!state_.events().empty())
    dispatch();  // calls whose time was over before they could leave
}

void link_session::on_stream_closed(const stream_failure& why) {
  close({why.end, false, why.detail});
}

void link_session::dispatch() {
  if (dispatching_)
    return;
  const auto alive = weak_from_this().lock();
  {
    const set_while dispatching{dispatching_};  // also of one that ends for want of memory
    for (take_events(); told_ < telling_.size() && has_turn(telling_[told_]); take_events())
      tell(telling_[told_++]);
  }
  if (told_ < telling_.size()) {
    stream_.give_way();
  } else {
    telling_.clear();
    told_ = 0;
  }
  if (state_.has_output())
    stream_.want_write();
}

void link_session::take_events() {
  for (auto& event : state_.events()) {
    const bool ends_own = event.kind == link_event_kind::answered || event.kind == link_event_kind::not_run ||
                          event.kind == link_event_kind::lost;
    auto& what = telling_.emplace_back();
    if (ends_own)
      what.done = std::exchange(entry_at(callbacks_, event.call), nullptr);
    what.event = std::move(event);
  }
  state_.events().clear();
}

/// Whether this may be told now. Only a call that is going to run waits for its turn; what is behind it keeps its
/// place.
bool link_session::has_turn(const telling& what) {
  if (what.event.kind != link_event_kind::called || !state_.serves(what.event.call))
    return true;
  if (calls_left_ == 0) {
    if (clock::now() - loop_.now() >= long_batch)
      return false;
    calls_left_ = max_calls_in_a_row;
  }
  --calls_left_;
  return true;
}

void link_session::count(counter_cell link_counts::*what) noexcept {
  if (counts_ != nullptr)
    ((*counts_).*what).add();
}

void link_session::tell(telling& what) {
  auto& event = what.event;
  // The callback is called from here, not from the list, which it may change.
  const auto done = std::exchange(what.done, nullptr);
  switch (event.kind) {
    case link_event_kind::opened:
      peer_hello_ = std::make_shared<cluster::link_hello>(state_.peer());
      return owner_.on_session_open(*this);
    case link_event_kind::called: return state_.serves(event.call) ? begin(event) : void();
    case link_event_kind::abandoned: return abandon(event.call);
    case link_event_kind::answered:
      count(&link_counts::calls_answered);
      return done ? done(call_answered{std::move(event.head), std::move(event.body)}) : void();
    case link_event_kind::not_run:
      count(&link_counts::calls_refused);
      return done ? done(call_not_run{event.code, std::move(event.text)}) : void();
    case link_event_kind::lost:
      count(&link_counts::calls_lost);
      return done ? done(call_lost{event.code, std::move(event.text)}) : void();
    case link_event_kind::draining: return;  // `state` says so to whoever wants to call
    case link_event_kind::closed: return finish(event);
  }
}

/// What throws for want of memory has dropped the call, which tells the caller so; the link and its loop go on.
void link_session::begin(cluster::link_event& event) {
  try {
    serve(event);
  } catch (const std::bad_alloc&) {
    if (!owes_an_answer_)  // else a service may have had it
      state_.refuse(event.call, errc::no_capacity, "this node has no memory for the call");
  }
}

void link_session::serve(cluster::link_event& event) {
  auto call = std::make_shared<incoming_call>(*this, event.call);
  entry_at(served_, event.call) = call.get();
  auto* service = services_ == nullptr ? nullptr : services_->find(event.topic);
  if (service == nullptr)
    return call->refuse(errc::no_such_service, "this node does not serve such calls here");
  call->topic = event.topic;
  call->deadline = event.deadline;
  call->head = std::move(event.head);
  call->body = std::move(event.body);
  call->peer = peer_hello_;
  service->serve(std::move(call));
}

void link_session::abandon(std::uint64_t call) {
  if (auto* found = std::exchange(entry_at(served_, call), nullptr))
    found->abandon();
}

void link_session::settled(std::uint64_t call) noexcept {
  if (const auto place = link_call_place(call); place < served_.size())
    served_[place] = nullptr;
}

void link_session::finish(const cluster::link_event& event) {
  stream_.close();
  if (!end_)
    end_ = session_end{stream_end::closed, true, event.text};
  owner_.on_session_end(*this, *end_);
}

}  // namespace troupe::actors
