#include "session.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

using cluster::link_break;
using cluster::link_event_kind;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr int max_reads_in_a_row = 4;
constexpr std::size_t max_out_bytes = 256 * 1024;

link_break break_of(wire_end how) noexcept {
  switch (how) {
    case wire_end::refused: return link_break::refused;
    case wire_end::silent: return link_break::silent;
    case wire_end::closed: return link_break::closed;
  }
  return link_break::closed;
}

}  // namespace

session* incoming_call::settle() {
  auto* on = std::exchange(on_, nullptr);
  when_abandoned = nullptr;
  if (on != nullptr)
    on->served_.erase(id_);
  return on;
}

void incoming_call::answer(buffer answer_head, buffer answer_body) {
  if (auto* on = settle()) {
    on->state_.answer(id_, std::move(answer_head), std::move(answer_body));
    on->dispatch();
  }
}

void incoming_call::refuse(errc code, std::string_view detail) {
  if (auto* on = settle()) {
    on->state_.refuse(id_, code, detail);
    on->dispatch();
  }
}

void incoming_call::abandon() {
  on_ = nullptr;
  if (const auto notice = std::exchange(when_abandoned, nullptr))
    notice();
}

session::session(process& of, loop& on, session_owner& owner, cluster::link_state state)
    : of_{of}, loop_{on}, owner_{owner}, state_{std::move(state)}, meter_{of.all.how.limits}, sleep_watch_{
                                                                                                  of.on.boot_now()} {}

session::~session() {
  if (wire_)
    of_.all.net.close(wire_, side());
  for (auto& [id, call] : std::exchange(served_, {}))
    if (const auto living = call.lock())
      living->abandon();
}

void session::dial(std::size_t to) {
  dialed_ = true;
  wire_ = of_.all.net.dial(of_.on.index, to, *this);
}

void session::adopt(wire_ptr accepted, std::string_view received) {
  wire_ = std::move(accepted);
  wire_->user[1] = this;
  want_write();
  if (!received.empty()) {
    of_.reads_what_is_old = false;
    meter_.hears(received);
    state_.on_bytes(received, loop_.now());
    dispatch();
  }
  on_wire();
}

expected<std::uint64_t> session::call(buffer head, buffer body, time_point deadline, call_callback done) {
  auto id = state_.call(cluster::link_topic::invoke, std::move(head), std::move(body), deadline, loop_.now());
  if (id) {
    callbacks_.emplace(*id, std::move(done));
    want_write();
  }
  return id;
}

void session::cancel(std::uint64_t call) {
  callbacks_.erase(call);
  if (!state_.owns(call))
    return;
  state_.cancel(call);
  dispatch();
}

void session::drain() {
  state_.drain();
  dispatch();
}

void session::close(session_end why) {
  if (!end_)
    end_ = std::move(why);
  state_.on_closed(end_->detail);
  dispatch();
}

void session::notice_sleep() {
  if (!sleep_watch_.slept(of_.on.boot_now()))
    return;
  loop_.refresh_now();
  if (of_.all.defect != mutation::run_what_is_old)
    state_.on_slept(loop_.now());
}

void session::on_tick(time_point now) {
  notice_sleep();
  sleep_watch_.ticked(of_.on.boot_now());
  state_.on_tick(now);
  dispatch();
}

void session::on_wire() {
  if (std::exchange(looking_, true))
    return;
  loop_.on_socket([this, alive = weak_from_this()] {
    if (const auto kept = alive.lock())
      look();
  });
}

void session::look() {
  looking_ = false;
  if (!wire_)
    return;
  if (dialed_ && !wire_->connected && wire_->over[0])
    return close({break_of(*wire_->over[0]), "no connection"});
  read();
  if (wire_ && (sent_ < out_.size() || state_.has_output()))
    want_write();
}

void session::read() {
  auto& in = wire_->out[1 - side()];
  for (int reads = 0; wire_ && !in.unread.empty(); ++reads) {
    if (reads == max_reads_in_a_row)
      return loop_.at_batch_end([this, alive = weak_from_this()] {
        if (const auto kept = alive.lock())
          look();
      });
    of_.reads_what_is_old = loop_.woke_just_now() && in.unread_since < of_.all.time.now();
    const auto kept = wire_;
    const auto bytes = of_.all.net.read(kept, side(), read_bytes);
    notice_sleep();
    meter_.hears(bytes);
    if (dialed_)
      of_.all.heard.came(of_, loop_.index(), kept->ends[1]);
    state_.on_bytes(bytes, loop_.now());
    dispatch();
  }
  if (wire_ && in.unread.empty() && wire_->over[side()])
    close({break_of(*wire_->over[side()]), "the connection is over"});
}

void session::want_write() {
  if (!wire_ || std::exchange(writing_, true))
    return;
  loop_.at_batch_end([this, alive = weak_from_this()] {
    if (const auto kept = alive.lock())
      flush();
  });
}

void session::flush() {
  writing_ = false;
  if (!wire_ || (dialed_ && !wire_->connected))
    return;
  for (;;) {
    if (sent_ == out_.size()) {
      out_.clear();
      sent_ = 0;
      state_.pull(out_, max_out_bytes, loop_.now());
      meter_.sends(out_.view());
      unreported_ = out_.size();
      if (!state_.events().empty())
        dispatch();
      if (!wire_ || out_.empty())
        return;
    }
    const auto taken = of_.all.net.send(wire_, side(), out_.view().substr(sent_));
    if (taken == 0)
      return;
    sent_ += taken;
    // Which of an encrypted batch have left whole is not known.
    state_.on_written(of_.all.how.encrypted ? std::exchange(unreported_, 0) : taken);
  }
}

void session::dispatch() {
  if (std::exchange(dispatching_, true))
    return;
  const auto alive = shared_from_this();
  while (!state_.events().empty())
    for (auto& event : std::exchange(state_.events(), {})) {
      call_callback done;
      if (const auto found = callbacks_.find(event.call);
          found != callbacks_.end() && event.kind != link_event_kind::called)
        done = std::move(found->second);
      tell(std::move(event), done);
    }
  dispatching_ = false;
  if (state_.has_output())
    want_write();
}

void session::tell(cluster::link_event event, const call_callback& done) {
  const auto end = [&](call_result::kind how) {
    callbacks_.erase(event.call);
    if (done)
      done({how, event.code, std::move(event.text), std::move(event.head), std::move(event.body)});
  };
  switch (event.kind) {
    case link_event_kind::opened: return owner_.on_session_open(*this);
    case link_event_kind::called: {
      auto call = std::make_shared<incoming_call>(*this, event.call);
      call->head = std::move(event.head);
      call->body = std::move(event.body);
      call->deadline = event.deadline;
      served_[event.call] = call;
      return owner_.serve(std::move(call));
    }
    case link_event_kind::abandoned:
      if (const auto found = served_.find(event.call); found != served_.end()) {
        const auto call = found->second.lock();
        served_.erase(found);
        if (call)
          call->abandon();
      }
      return;
    case link_event_kind::answered: return end(call_result::kind::answered);
    case link_event_kind::not_run: return end(call_result::kind::not_run);
    case link_event_kind::lost: return end(call_result::kind::lost);
    case link_event_kind::draining: return;
    case link_event_kind::closed:
      if (wire_)
        of_.all.net.close(std::exchange(wire_, nullptr), side());
      if (!end_)
        end_ = session_end{link_break::rejected, event.text};
      return owner_.on_session_end(*this, *end_);
  }
}

bool session::is_empty() const noexcept {
  return state_.own_calls() == 0 && state_.peer_calls() == 0 && callbacks_.empty() && served_.empty() &&
         !state_.has_output() && sent_ == out_.size();
}

}  // namespace troupe::sim::calls
