// The calls that this side makes.
#include <algorithm>

#include "cluster/link_state.hpp"

namespace troupe::cluster {

namespace {

constexpr int place_bits = 12;
constexpr std::size_t most_places = std::size_t{1} << place_bits;

errc code_of(std::uint64_t number) noexcept {
  return number == 0 || number > 0xff ? errc::bug : static_cast<errc>(number);
}

}  // namespace

own_link_call* link_state::find_own(std::uint64_t id) noexcept {
  const auto place = link_call_place(id);
  return id != 0 && place < own_.size() && own_[place].id == id ? &own_[place] : nullptr;
}

bool link_state::owns(std::uint64_t id) const noexcept {
  const auto place = link_call_place(id);
  return id != 0 && place < own_.size() && own_[place].id == id && !own_[place].abandoned;
}

expected<std::uint64_t> link_state::call(link_topic topic, buffer head, buffer body, time_point deadline,
                                         time_point now) {
  if (!open())
    return troupe::fail(errc::link_down, "no link to the node");
  if (peer_drains_)
    return troupe::fail(errc::draining, "the node takes no new calls");
  if (deadline <= now)
    return troupe::fail(errc::budget_spent, "no time is left for the call");
  if (body.size() > limits_.max_body_bytes || head.size() > max_link_head_bytes)
    return troupe::fail(errc::payload_too_large, "call of " + std::to_string(head.size()) + " and " +
                                                     std::to_string(body.size()) + " bytes: more than a link carries");
  if (own_calls_ >= std::min(limits_.max_calls, most_places) ||
      body.size() > limits_.max_waiting_bytes - std::min(waiting_bytes_, limits_.max_waiting_bytes))
    return troupe::fail(errc::overloaded, "the link has all the calls that it may have");
  if (free_places_.empty()) {
    free_places_.reserve(own_.size() + 1);  // to free a place needs no memory
    own_.emplace_back();
    free_places_.push_back(static_cast<std::uint32_t>(own_.size() - 1));
  }
  const auto place = free_places_.back();
  free_places_.pop_back();
  auto& call = own_[place];
  call.id = next_sequence_++ << (place_bits + 1) | std::uint64_t{place} << 1 | side_;
  call.topic = topic;
  call.deadline = deadline;
  call.out.head = std::move(head);
  call.out.body = std::move(body);
  call.out.window = limits_.call_credit;
  waiting_bytes_ += call.out.body.size();
  ++own_calls_;
  try {
    enqueue(call.id, call.out);
  } catch (const std::bad_alloc&) {
    free_own(call);
    throw;
  }
  return call.id;
}

void link_state::cancel(std::uint64_t id) {
  auto* call = find_own(id);
  if (call != nullptr && !call->abandoned)
    abandon_own(*call);
}

/// The peer, if it has seen any of the call, settles it; until then the place stays taken.
void link_state::abandon_own(own_link_call& call) {
  if (!call.out.begun)
    return free_own(call);
  append_cancel(urgent_, call.id);
  call.abandoned = true;
  waiting_bytes_ -= call.out.left();
  call.out = {};
  call.in = {};
}

void link_state::expire_own_calls(time_point now) {
  for (auto& call : own_) {
    if (call.id == 0 || call.abandoned || call.deadline > now)
      continue;
    // What has not left whole never will, so it cannot run.
    const auto kind = call.end_offset == 0 ? link_event_kind::not_run : link_event_kind::lost;
    tell(kind, call.id, errc::budget_spent, "no answer within the time that the call had");
    abandon_own(call);
  }
}

void link_state::end_own(own_link_call& call, link_event_kind kind, errc code, std::string_view text) {
  tell(kind, call.id, code, text);
  free_own(call);
}

void link_state::free_own(own_link_call& call) {
  waiting_bytes_ -= call.out.left();
  free_places_.push_back(static_cast<std::uint32_t>(link_call_place(call.id)));
  --own_calls_;
  call = {};
}

void link_state::on_answer(const link_frame& frame) {
  if (!count_received(frame.body.size()))
    return;
  if (!is_own(frame.call_id) || frame.body.size() > frame.total)
    return violated("an answer that does not fit its call");
  auto* call = find_own(frame.call_id);
  if (call == nullptr)
    return;
  if (call->answering || (call->end_offset == 0 && !call->abandoned))
    return violated("an answer to a call that was answered or has not been sent");
  call->answering = true;
  if (frame.total > limits_.max_body_bytes && !call->abandoned) {
    tell(link_event_kind::lost, call->id, errc::answer_too_large,
         "answer of " + std::to_string(frame.total) + " bytes: more than a link carries");
    abandon_own(*call);
  }
  if (call->abandoned) {
    if (frame.body.size() == frame.total)
      free_own(*call);
    return;
  }
  call->in.total = frame.total;
  call->in.granted = limits_.call_credit;
  call->in.head.append(frame.head);
  if (receive(call->in, call->id, frame) && call->in.whole())
    finish_answer(*call);
}

void link_state::on_answer_data(const link_frame& frame) {
  if (!count_received(frame.body.size()))
    return;
  auto* call = find_own(frame.call_id);
  if (call == nullptr)
    return;
  if (!call->answering)
    return violated("bytes of an answer that has not begun");
  if (call->abandoned) {
    if (frame.last)
      free_own(*call);
    return;
  }
  if (!receive(call->in, call->id, frame))
    return;
  if (call->in.whole() != frame.last)
    return violated("an answer that ends elsewhere than it said");
  if (frame.last)
    finish_answer(*call);
}

void link_state::finish_answer(own_link_call& call) {
  auto& event = tell(link_event_kind::answered, call.id);
  event.topic = call.topic;
  event.head = std::move(call.in.head);
  event.body = std::move(call.in.body);
  free_own(call);
}

void link_state::on_settled(const link_frame& frame) {
  if (!is_own(frame.call_id))
    return violated("the peer settled a call that it made itself");
  auto* call = find_own(frame.call_id);
  if (call == nullptr)
    return;
  if (call->abandoned)
    return free_own(*call);
  if (call->answering)
    return violated("the peer took back an answer");
  const auto kind = frame.kind == link_kind::not_run ? link_event_kind::not_run : link_event_kind::lost;
  end_own(*call, kind, code_of(frame.number), frame.text);
}

}  // namespace troupe::cluster
