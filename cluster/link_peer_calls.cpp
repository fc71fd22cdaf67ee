// The calls that the peer makes.
#include <algorithm>

#include "cluster/link_state.hpp"

namespace troupe::cluster {

namespace {

/// A deadline further away is as good as none.
constexpr std::uint64_t max_remaining_ms = 24 * 3600 * 1000;

std::string_view refusal_text(errc code) noexcept {
  switch (code) {
    case errc::stale: return "this node slept and does not know yet how old the call is";
    case errc::draining: return "this node takes no new calls";
    case errc::payload_too_large: return "the call is larger than this node takes on a link";
    default: return "this node has all the calls that it takes on a link";
  }
}

}  // namespace

peer_link_call* link_state::find_peer(std::uint64_t id) noexcept {
  const auto place = link_call_place(id);
  return id != 0 && place < peers_.size() && peers_[place].id == id ? &peers_[place] : nullptr;
}

peer_link_call* link_state::find_running(std::uint64_t id) noexcept {
  auto* call = find_peer(id);
  return call != nullptr && call->phase == peer_call_phase::running ? call : nullptr;
}

bool link_state::serves(std::uint64_t call) const noexcept {
  const auto place = link_call_place(call);
  return place < peers_.size() && peers_[place].id == call && peers_[place].phase == peer_call_phase::running;
}

std::optional<errc> link_state::reason_to_refuse(const link_frame& frame) const {
  if (stale())
    return errc::stale;
  if (drains_)
    return errc::draining;
  if (frame.head.size() > max_link_head_bytes || frame.total > limits_.max_body_bytes)
    return errc::payload_too_large;
  if (peer_calls_ >= limits_.max_calls || arriving_bytes_ + frame.total > limits_.max_arriving_bytes)
    return errc::overloaded;
  return std::nullopt;
}

void link_state::on_call(const link_frame& frame, time_point now) {
  if (!count_received(frame.body.size()))
    return;
  const auto place = link_call_place(frame.call_id);
  if (is_own(frame.call_id) || frame.call_id >> 13 == 0 || frame.body.size() > frame.total || frame.topic > 0xff)
    return violated("a call whose fields contradict each other");
  if (peers_.size() <= place)
    peers_.resize(place + 1);
  auto& call = peers_[place];
  if (call.id != 0)
    return violated("a call in the place of another that is not answered");
  if (const auto code = reason_to_refuse(frame))
    return append_not_run(urgent_, frame.call_id, *code, refusal_text(*code));
  call.id = frame.call_id;
  call.phase = peer_call_phase::arriving;
  call.topic = static_cast<link_topic>(frame.topic);
  call.deadline = now + milliseconds{std::min(frame.remaining_ms, max_remaining_ms)};
  call.in.total = frame.total;
  call.in.granted = limits_.call_credit;
  call.in.head.append(frame.head);
  ++peer_calls_;
  arriving_bytes_ += frame.total;
  if (receive(call.in, call.id, frame) && call.in.whole())
    finish_call(call);
}

void link_state::on_call_data(const link_frame& frame) {
  if (!count_received(frame.body.size()))
    return;
  auto* call = find_peer(frame.call_id);
  if (call == nullptr)
    return;  // refused or cancelled; the rest was on its way
  if (call->phase != peer_call_phase::arriving)
    return violated("bytes behind the end of a call");
  if (!receive(call->in, call->id, frame))
    return;
  if (call->in.whole() != frame.last)
    return violated("a call that ends elsewhere than it said");
  if (frame.last)
    finish_call(*call);
}

void link_state::finish_call(peer_link_call& call) {
  arriving_bytes_ -= call.in.total;
  call.phase = peer_call_phase::running;
  auto& event = tell(link_event_kind::called, call.id);
  event.topic = call.topic;
  event.deadline = call.deadline;
  event.head = std::move(call.in.head);
  event.body = std::move(call.in.body);
}

void link_state::on_cancel(const link_frame& frame) {
  auto* call = find_peer(frame.call_id);
  if (call == nullptr)
    return;  // it was settled meanwhile
  if (call->phase == peer_call_phase::running)
    tell(link_event_kind::abandoned, call->id);
  drop_peer(*call, errc::client_gone, {});
}

void link_state::answer(std::uint64_t id, buffer head, buffer body) {
  auto* call = find_running(id);
  if (call == nullptr)
    return;
  if (head.size() > max_link_head_bytes || body.size() > limits_.max_body_bytes)
    return fail(id, errc::answer_too_large, "the answer is larger than a link carries");
  call->phase = peer_call_phase::answering;
  call->out.head = std::move(head);
  call->out.body = std::move(body);
  call->out.window = limits_.call_credit;
  enqueue(id, call->out);
}

void link_state::refuse(std::uint64_t id, errc code, std::string_view detail) {
  if (auto* call = find_running(id))
    drop_peer(*call, code, detail);
}

void link_state::fail(std::uint64_t id, errc code, std::string_view detail) {
  auto* call = find_running(id);
  if (call == nullptr)
    return;
  append_failed(urgent_, id, code, detail);
  free_peer(*call);
}

void link_state::drop_peer(peer_link_call& call, errc code, std::string_view detail) {
  append_not_run(urgent_, call.id, code, detail);
  free_peer(call);
}

void link_state::free_peer(peer_link_call& call) {
  if (call.phase == peer_call_phase::arriving)
    arriving_bytes_ -= call.in.total;
  --peer_calls_;
  call = {};
}

}  // namespace troupe::cluster
