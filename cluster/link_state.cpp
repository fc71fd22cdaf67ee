#include "cluster/link_state.hpp"

#include <algorithm>

namespace troupe::cluster {

namespace {

/// What waits to overtake bodies: a peer that asks and does not read must not fill the memory.
constexpr std::size_t max_urgent_bytes = 4 * 1024 * 1024;
/// Pings are not added to a link that takes nothing.
constexpr std::size_t max_urgent_for_ping = 64 * 1024;
/// Ticks come each 100 ms: half of one early is nearer to the interval than half of one late.
constexpr milliseconds ping_slack{50};

std::uint64_t to_us(time_point when) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count());
}

}  // namespace

link_state::link_state(link_hello own, link_limits limits, time_point now)
    : limits_{limits}, side_{1}, phase_{phase::opening}, own_hello_{std::move(own)}, link_window_{limits.link_credit},
      link_granted_{limits.link_credit}, last_heard_{now}, last_said_{now} {
  append_hello(urgent_, own_hello_);
}

link_state::link_state(link_hello own, link_hello peer, link_limits limits, time_point now)
    : limits_{limits}, side_{0}, phase_{phase::open}, own_hello_{std::move(own)}, peer_{std::move(peer)},
      link_window_{limits.link_credit}, link_granted_{limits.link_credit}, last_heard_{now}, last_said_{now} {
  append_hello(urgent_, own_hello_);
}

link_event& link_state::tell(link_event_kind kind, std::uint64_t call) {
  auto& event = events_.emplace_back();
  event.kind = kind;
  event.call = call;
  return event;
}

link_event& link_state::tell(link_event_kind kind, std::uint64_t call, errc code, std::string_view text) {
  auto& event = tell(kind, call);
  event.code = code;
  event.text = text;
  return event;
}

void link_state::on_bytes(std::string_view bytes, time_point now) {
  last_heard_ = now;
  reader_.feed(bytes);
  while (phase_ != phase::closed) {
    const auto next = reader_.next();
    if (!next)
      return violated(next.error().what);
    if (!*next)
      return;
    on_frame(**next, now);
    if (urgent_.size() > max_urgent_bytes)
      violated("the peer asks for more than it reads");
  }
}

void link_state::on_frame(const link_frame& frame, time_point now) {
  if (phase_ == phase::opening && frame.kind != link_kind::hello && frame.kind != link_kind::refuse_hello)
    return violated("the peer spoke before its hello");
  switch (frame.kind) {
    case link_kind::hello: return on_hello(frame);
    case link_kind::refuse_hello:
      return phase_ == phase::opening ? break_off(errc::refused, std::string{frame.text})
                                      : violated("the peer refused a hello that it had accepted");
    case link_kind::ping: return append_pong(urgent_, frame.number, frame.sent);
    case link_kind::pong: return on_pong(frame, now);
    case link_kind::call: return on_call(frame, now);
    case link_kind::data: return is_own(frame.call_id) ? on_answer_data(frame) : on_call_data(frame);
    case link_kind::credit: return on_credit(frame);
    case link_kind::answer: return on_answer(frame);
    case link_kind::not_run:
    case link_kind::failed: return on_settled(frame);
    case link_kind::cancel: return on_cancel(frame);
    case link_kind::goodbye:
      if (!std::exchange(peer_drains_, true))
        tell(link_event_kind::draining);
      return;
    case link_kind::unknown: return;  // of a newer node: nothing that this one asked for
  }
}

void link_state::on_hello(const link_frame& frame) {
  if (phase_ != phase::opening)
    return violated("the peer said hello twice");
  auto hello = read_hello(frame);
  if (!hello)
    return violated(hello.error().what);
  if (!compatible(own_hello_, *hello))
    return violated(versions_text(own_hello_, *hello));
  peer_ = std::move(*hello);
  phase_ = phase::open;
  tell(link_event_kind::opened);
}

void link_state::on_pong(const link_frame& frame, time_point now) {
  if (frame.number > ping_number_ || frame.number <= pong_number_)
    return violated("the peer answered a ping that was not sent");
  pong_number_ = frame.number;
  const auto now_us = to_us(now);
  round_trip_ = std::chrono::microseconds{now_us - std::min(now_us, frame.sent)};
  if (stale_ping_ != 0 && frame.number >= stale_ping_)
    stale_ping_ = 0;
}

void link_state::ping(time_point now) {
  ping_at_ = now;
  append_ping(urgent_, ++ping_number_, to_us(now));
}

void link_state::on_tick(time_point now) {
  if (phase_ == phase::closed)
    return;
  expire_own_calls(now);
  // The dialer's pings are heartbeats for both; who accepted asks only when it misses them: when it hears nothing, or
  // says nothing since they wait behind the bodies that it receives.
  const bool asks = side_ == 1 || now - std::min(last_heard_, last_said_) >= 2 * limits_.ping_interval;
  if (open() && asks && now - ping_at_ >= limits_.ping_interval - ping_slack && urgent_.size() < max_urgent_for_ping)
    ping(now);
}

void link_state::on_slept(time_point now) {
  awake_since_ = now;
  if (!open())
    return;
  ping(now);
  stale_ping_ = ping_number_;
  for (auto& call : peers_)
    if (call.id != 0 && call.phase == peer_call_phase::arriving)
      drop_peer(call, errc::stale, "this node slept while the call arrived");
}

void link_state::on_closed(std::string_view why) {
  break_off(errc::link_lost, std::string{why});
}

void link_state::break_off(errc code, std::string text) {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  end_calls(text);
  urgent_.release();
  ready_.clear();
  starved_.clear();
  auto& event = tell(link_event_kind::closed);
  event.code = code;
  event.text = std::move(text);
}

void link_state::end_calls(const std::string& why) {
  for (auto& call : own_) {
    if (call.id == 0)
      continue;
    const bool left = call.end_offset != 0 && call.end_offset <= written_;
    if (call.abandoned)
      free_own(call);
    else if (left)
      end_own(call, link_event_kind::lost, errc::link_lost, why);
    else
      end_own(call, link_event_kind::not_run, errc::link_down, why);
  }
  for (auto& call : peers_) {
    if (call.id != 0 && call.phase == peer_call_phase::running)
      tell(link_event_kind::abandoned, call.id);
    if (call.id != 0)
      free_peer(call);
  }
}

void link_state::drain() {
  if (phase_ != phase::closed && !std::exchange(drains_, true))
    append_goodbye(urgent_);
}

}  // namespace troupe::cluster
