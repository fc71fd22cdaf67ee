// How bodies leave and arrive: in turns, within the credit of their call and of the link.
#include <algorithm>

#include "cluster/link_state.hpp"

namespace troupe::cluster {

namespace {

/// Of a body that shares the link with others: a short call waits for one such piece of each at most.
constexpr std::size_t max_piece_bytes = 16 * 1024 - link_frame_slack;
/// Memory that the urgent frames keep between two bursts.
constexpr std::size_t max_idle_urgent_bytes = 64 * 1024;

std::uint64_t remaining_ms(time_point deadline, time_point now) {
  return static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(deadline - now).count());
}

}  // namespace

void link_state::enqueue(std::uint64_t id, outgoing_body& stream) {
  if (!std::exchange(stream.queued, true))
    ready_.push_back(id);
}

/// What is on its way out under this id; null when that was given up meanwhile.
outgoing_body* link_state::outgoing(std::uint64_t id) noexcept {
  if (is_own(id)) {
    auto* call = find_own(id);
    return call != nullptr && !call->abandoned && call->end_offset == 0 ? &call->out : nullptr;
  }
  auto* call = find_peer(id);
  return call != nullptr && call->phase == peer_call_phase::answering ? &call->out : nullptr;
}

bool link_state::has_output() const noexcept {
  return !urgent_.empty() || !ready_.empty();
}

void link_state::pull(buffer& out, std::size_t up_to, time_point now) {
  if (phase_ == phase::closed)
    return;
  out.append(urgent_.view());
  pulled_ += urgent_.size();
  if (urgent_.capacity() > max_idle_urgent_bytes)
    urgent_.release();
  urgent_.clear();
  while (out.size() < up_to && !ready_.empty()) {
    const auto id = ready_.front();
    ready_.pop_front();
    send_one(id, out, now);
  }
  if (!out.empty())
    last_said_ = now;
}

void link_state::send_one(std::uint64_t id, buffer& out, time_point now) {
  auto* stream = outgoing(id);
  if (stream == nullptr)
    return;
  stream->queued = false;
  const auto most = stream->begun ? max_piece_bytes : max_link_frame_bytes - link_frame_slack - stream->head.size();
  const auto count = static_cast<std::size_t>(std::min(
      {std::uint64_t{stream->left()}, stream->window, link_window_, std::uint64_t{std::min(most, max_piece_bytes)}}));
  if (stream->begun && count == 0) {
    if (stream->window == 0)
      return;  // credit of the call brings it back
    stream->queued = true;
    starved_.push_back(id);
    return;
  }
  const auto piece = stream->body.view().substr(stream->sent, count);
  const auto before = out.size();
  if (!stream->begun) {
    if (!send_first(id, *stream, piece, out, now))
      return;
  } else {
    append_data(out, id, piece, count == stream->left());
  }
  pulled_ += out.size() - before;
  stream->begun = true;
  stream->sent += count;
  stream->window -= count;
  link_window_ -= count;
  if (is_own(id))
    waiting_bytes_ -= count;
  if (stream->left() == 0)
    on_sent_all(id);
  else
    enqueue(id, *stream);
}

/// @returns false when the call's time was over before its turn came: then it is gone.
bool link_state::send_first(std::uint64_t id, outgoing_body& stream, std::string_view piece, buffer& out,
                            time_point now) {
  if (!is_own(id)) {
    append_answer(out, id, stream.head.view(), stream.body.size(), piece);
    return true;
  }
  auto& call = *find_own(id);
  if (call.deadline <= now) {
    end_own(call, link_event_kind::not_run, errc::budget_spent,
            "the time that the call had was over before it could leave");
    return false;
  }
  append_call(out, id, call.topic, remaining_ms(call.deadline, now), stream.head.view(), stream.body.size(), piece);
  return true;
}

void link_state::on_sent_all(std::uint64_t id) {
  if (!is_own(id))
    return free_peer(*find_peer(id));
  auto& call = *find_own(id);
  call.end_offset = pulled_;
  call.out.head.release();
  call.out.body.release();
  call.out.sent = 0;
}

void link_state::on_credit(const link_frame& frame) {
  if (frame.call_id == 0) {
    if (frame.number > limits_.link_credit - std::min(link_window_, limits_.link_credit))
      return violated("more credit for the link than was used");
    link_window_ += frame.number;
    ready_.insert(ready_.end(), starved_.begin(), starved_.end());
    starved_.clear();
    return;
  }
  auto* stream = outgoing(frame.call_id);
  if (stream == nullptr)
    return;
  if (frame.number > limits_.call_credit - std::min(stream->window, limits_.call_credit))
    return violated("more credit for a call than was used");
  stream->window += frame.number;
  if (stream->begun)
    enqueue(frame.call_id, *stream);
}

/// Adds what the frame has of the body. @returns false when the peer sent more than it may: then the link is over.
bool link_state::receive(incoming_body& in, std::uint64_t id, const link_frame& frame) {
  const auto count = frame.body.size();
  if (count > in.granted || count > in.total - in.body.size()) {
    violated("more bytes of a body than were announced or allowed");
    return false;
  }
  in.body.reserve(static_cast<std::size_t>(in.total));
  in.body.append(frame.body);
  in.granted -= count;
  in.uncredited += count;
  if (!in.whole() && in.uncredited >= limits_.call_credit / 4) {
    append_credit(urgent_, id, in.uncredited);
    in.granted += std::exchange(in.uncredited, 0);
  }
  return true;
}

bool link_state::count_received(std::size_t bytes) {
  if (bytes > link_granted_) {
    violated("more bytes on the link than were allowed");
    return false;
  }
  link_granted_ -= bytes;
  link_uncredited_ += bytes;
  if (link_uncredited_ >= limits_.link_credit / 4) {
    append_credit(urgent_, 0, link_uncredited_);
    link_granted_ += std::exchange(link_uncredited_, 0);
  }
  return true;
}

}  // namespace troupe::cluster
