// The calls of a worker instance: given to the process, answered, taken back, timed out.
#include <algorithm>
#include <cstdio>

#include "actors/worker_instance.hpp"
#include "config/text.hpp"
#include "functions/cold_time.hpp"
#include "functions/event.hpp"
#include "functions/native_frame.hpp"

namespace troupe::actors {

namespace {

using functions::frame_kind;
using functions::invocation_ptr;
using functions::outcome_ptr;

/// The place of a call in `places_` stands in the low bits of its id.
constexpr unsigned place_bits = 10;
/// The type of error that shims report for an answer over the limit (specs: lambda-runtime-api 3).
constexpr std::string_view too_large_type = "Function.ResponseSizeTooLarge";

bool outlived(errc failure) {
  return failure != errc::function_timeout && failure != errc::function_crashed && failure != errc::memory_exceeded;
}

outcome_ptr outcome_of(std::string_view payload, functions::runtime_kind kind) {
  auto result = std::make_shared<functions::outcome>();
  if (kind == functions::runtime_kind::native) {
    auto read = functions::read_native_answer(payload);
    if (!read)
      return functions::make_failure(read.error().code, read.error().what);
    result->value = std::move(*read);
    return result;
  }
  auto& answer = result->value.emplace<functions::json_answer>();
  answer.bytes.reserve(payload.size() + functions::answer_padding);
  answer.bytes.append(payload);
  return result;
}

}  // namespace

worker_instance::running_call* worker_instance::find(std::uint64_t call_id) {
  const auto place = call_id & ((1u << place_bits) - 1);
  if (place >= places_.size() || places_[place].sequence != call_id >> place_bits || call_id >> place_bits == 0)
    return nullptr;  // answered by its timeout already
  return &places_[place];
}

caf::result<outcome_ptr> worker_instance::run(const invocation_ptr& call) {
  told_router_ = false;  // a message is a batch of its own
  // The router took a slot before it sent the call here.
  auto free = std::find_if(places_.begin(), places_.end(), [](const auto& p) { return p.sequence == 0; });
  if (phase_ != phase::ready || channel_ < 0 || free == places_.end()) {
    // It did not run, and the router knows by now that this instance takes nothing more.
    auto answer = make_response_promise<promise>();
    free_slot();
    send_back(answer, call);
    return answer;
  }
  free->answer = make_response_promise<promise>();
  out_.make_room();
  const auto written = out_.bytes().size();
  try {
    give(*free, call);
  } catch (const std::bad_alloc&) {
    // What the loop has been asked for finds nothing more to do. The worker has not seen a byte of the call.
    take_out(*free, written, *call);
  }
  return free->answer;
}

void worker_instance::give(running_call& place, const invocation_ptr& call) {
  rested_ = rested_ || (slots_->in_flight() == 1 && loop().now() - last_used_ >= what_.limits.memory_interval);
  const auto id = next_sequence_ << place_bits | static_cast<std::uint64_t>(&place - places_.data());
  const auto now = wall_now();
  char invocation_text[36];
  format(call->invocation_id, invocation_text);
  const functions::trace_id trace{*call, now};
  told_shape_.reset();
  // Its event would have no fewer bytes, and need not be made to see that.
  if (const auto bytes = functions::bytes_of(*call); bytes > what_.limits.max_payload_bytes) {
    auto refused = functions::too_large_event(bytes, what_.limits.max_payload_bytes);
    place.answer.deliver(refusal(*call, refused.code, std::move(refused.what)));
    return free_slot();
  }
  const auto mark = functions::begin_call(out_.bytes(), id);
  if (what_.spec->kind == functions::runtime_kind::native)
    functions::append_native_request(out_.bytes(), *call);
  else
    functions::append_event(out_.bytes(), *call,
                            {.wall = now, .trace = trace, .account_id = what_.surroundings.account_id},
                            shapes_ ? &varying_ : nullptr);
  const auto deadline = static_cast<std::uint64_t>((now + what_.spec->timeout).count());
  const functions::call_fields fields{
      {invocation_text, sizeof invocation_text}, deadline, trace.view(), call->client_context};
  if (!send_shaped(id, mark, fields)) {
    const auto closed = functions::end_call(out_.bytes(), mark, fields, what_.limits.max_payload_bytes);
    if (!closed) {
      place.answer.deliver(refusal(*call, closed.error().code, closed.error().what));
      out_.settle();
      return free_slot();
    }
  }
  at_batch_end();
  place.call = call;
  place.sequence = next_sequence_++;
  place.taken_back = false;
  if (what_.spec->concurrency > 1)
    start(place, loop().now());  // there is a place for each
  else
    start_next(loop().now());
  if (!armed || armed_for > loop().now() + std::min(what_.spec->timeout, what_.limits.memory_interval) ||
      (!place.started() && armed_for > loop().now() + functions::prefetch_depth::longest_head))
    rearm(loop().now());
}

/// There was no memory for the call: it is refused, and all as it was before.
void worker_instance::take_out(running_call& place, std::size_t written, const functions::invocation& call) {
  out_.bytes().truncate(std::min(written, out_.bytes().size()));
  out_.settle();
  varying_.clear();
  if (told_shape_)
    shapes_->forget(*std::exchange(told_shape_, {}));
  auto answer = std::move(place.answer);
  free_place(place);
  free_slot();
  answer.deliver(refusal(call, errc::no_capacity, std::string{functions::no_memory_detail}));
}

outcome_ptr worker_instance::refusal(const functions::invocation& call, errc code, std::string detail) {
  auto refused = functions::make_failure(code, std::move(detail));
  refused->queued = functions::wait_of(call, loop().now());
  if (auto* const cells = what_.load->cells_of(loop().index()))
    cells->refuse(code);
  return refused;
}

/// To the router, which finds another place for it.
void worker_instance::send_back(promise answer, const invocation_ptr& call) {
  try {
    send_on(answer, what_.router, call);
  } catch (const std::bad_alloc&) {
    answer.deliver(refusal(*call, errc::no_capacity, std::string{functions::no_memory_detail}));
  }
}

/// Makes the call that was begun a shaped one, if the worker knows the event's shape or is to be told now.
bool worker_instance::send_shaped(std::uint64_t call_id, functions::call_mark mark,
                                  const functions::call_fields& fields) {
  if (!shapes_ || varying_.empty())
    return false;
  const auto event = out_.bytes().view().substr(mark.event);
  const auto shape = event.size() <= what_.limits.max_payload_bytes ? shapes_->find(event, varying_) : std::nullopt;
  if (shape) {
    if (!shape->told)
      told_shape_ = shape->number;
    values_.clear();
    functions::append_values(values_, event, varying_);
    out_.bytes().truncate(mark.frame);
    if (!shape->told)
      functions::append_shape(out_.bytes(), shape->number, shapes_->shape());
    functions::append_shaped_call(out_.bytes(), call_id, shape->number, fields, values_.view());
  }
  varying_.clear();
  return shape.has_value();
}

/// The worker runs it from now on: its own time begins.
void worker_instance::start(running_call& place, time_point now) {
  place.started_at = now;
  place.start_logged = false;
  if (place.call->wants_log_tail)
    place.log_begin = what_.log->next();
  if (!place.taken_back)
    log_start(place);  // of one that was to be taken back only its answer tells that it ran
}

void worker_instance::log_start(running_call& place) {
  if (!std::exchange(place.start_logged, true))
    what_.log->write_start(place.call->invocation_id);
}

/// A worker that runs one call at a time goes on with the one that it got first.
void worker_instance::start_next(time_point now) {
  if (what_.spec->concurrency > 1)
    return;
  running_call* next = nullptr;
  for (auto& place : places_) {
    if (place.sequence == 0)
      continue;
    if (place.started())
      return;
    if (next == nullptr || place.sequence < next->sequence)
      next = &place;
  }
  if (next != nullptr)
    start(*next, now);
}

void worker_instance::answered(const functions::frame& frame) {
  auto* place = frame.call_id == 0 ? nullptr : find(frame.call_id);
  switch (frame.kind) {
    case frame_kind::answer:
      if (place != nullptr)
        settle(*place, outcome_of(frame.payload, what_.spec->kind));
      return;
    case frame_kind::error:
      if (frame.call_id == 0)
        load_failure_ = functions::failure{errc::init_failed, std::string{frame.payload}, std::string{frame.text}};
      else if (place != nullptr)
        settle(*place,
               functions::make_failure(frame.text == too_large_type ? errc::answer_too_large : errc::function_error,
                                       std::string{frame.text}, std::string{frame.payload}));
      return;
    default:
      if (place != nullptr)
        hand_back(*place);
      return;
  }
}

/// The worker has not run it: another one may.
void worker_instance::hand_back(running_call& place) {
  auto call = std::move(place.call);
  auto answer = std::move(place.answer);
  free_place(place);
  send_back(std::move(answer), call);
  free_slot();
  start_next(loop().now());
}

void worker_instance::free_place(running_call& place) {
  place.sequence = 0;
  place.started_at = {};
  place.call.reset();
  place.answer = {};
}

void worker_instance::settle(running_call& place, outcome_ptr result) {
  const auto now = last_used_ = loop().now();
  if (!place.started())
    start(place, now);  // the worker answers out of order, which none does that ends well
  log_start(place);
  const auto& call = *place.call;
  const auto* failed = std::get_if<functions::failure>(&result->value);
  result->queued = functions::wait_of(call, place.started_at);
  result->started = functions::cold_time(call.arrived_at, place.started_at, begun_at_, loaded_at_);
  result->ran = now - place.started_at;
  slots_->measured(result->ran);
  if (what_.spec->concurrency == 1 && failed == nullptr) {
    prefetch_.measured(result->ran);
    slots_->set_prefetch(prefetch_.depth());
  }
  // What it printed before it answered stands before the call's END line.
  if (call.wants_log_tail)
    drain_output();
  else if (loop().take_event(output_watcher_))
    read_output();
  if (now - memory_seen_at_ >= what_.limits.memory_interval)
    look_at_memory(now);
  const bool cold = !std::exchange(init_reported_, true) && result->started > duration{};
  what_.log->write_report({call.invocation_id, result->ran, cold ? loaded_at_ - born_at_ : duration{},
                           what_.spec->memory_mb, max_memory_kb_,
                           failed == nullptr || outlived(failed->code) ? errc{} : failed->code});
  if (call.wants_log_tail)
    result->log_tail = what_.log->tail(call.invocation_id, place.log_begin);
  if (auto* const cells = what_.load->cells_of(loop().index()))
    cells->settle(*result);
  // If there is no memory to deliver it, the call is still there to be answered when the instance ends.
  place.answer.deliver(std::move(result));
  free_place(place);
  free_slot();
  start_next(now);
}

void worker_instance::free_slot() {
  slots_->give_back(loop().now());
  if (slots_->calls_wait && phase_ == phase::ready && !told_router_) {
    try {
      send(what_.router, slot_free{what_.spec->id});
      told_router_ = true;
    } catch (const std::bad_alloc&) {
      // At the router's next tick it sees for itself.
    }
  }
  stop_if_done();
}

void worker_instance::fail_running(errc code, const std::string& detail, int wait_status, bool exited) {
  for (auto& place : places_)
    if (place.sequence != 0)
      settle(place, functions::make_failure(
                        code, detail, exited ? functions::exit_payload(place.call->invocation_id, wait_status) : ""));
}

void worker_instance::expire_calls(time_point now) {
  bool expired = false;
  for (auto& place : places_) {
    if (place.sequence == 0 || !place.started() || now < place.started_at + what_.spec->timeout)
      continue;
    expired = true;
    char invocation_text[36];
    format(place.call->invocation_id, invocation_text);
    char text[64];
    std::snprintf(text, sizeof text, "Task timed out after %.2f seconds",
                  static_cast<double>(what_.spec->timeout.count()) / 1000);
    log_start(place);
    const std::string_view id{invocation_text, sizeof invocation_text};
    what_.log->write(id, utc_text(wall_now()) + " " + std::string{id} + " " + text, line_form::complete);
    timed_out_ = true;
    retire("a call timed out");
    settle(place, functions::make_failure(errc::function_timeout, text,
                                          functions::timeout_payload(place.call->invocation_id, what_.spec->timeout)));
  }
  if (!expired)
    return;
  if (slots_->in_flight() == 0 || what_.spec->concurrency == 1) {
    kill();  // what still waits behind a hanging call shares its worker's fate
  } else if (ping_deadline_ == time_point::max()) {
    // The others may finish, provided that the process still turns its loop.
    functions::append_ping(out_.bytes(), 1);
    at_batch_end();
    ping_deadline_ = now + what_.limits.ping_timeout;
  }
}

/// The head takes longer than those before it: what waits behind it need not.
void worker_instance::take_back_waiting(time_point now) {
  const bool long_head = std::any_of(places_.begin(), places_.end(), [&](const running_call& place) {
    return place.sequence != 0 && place.started() && now >= place.started_at + functions::prefetch_depth::longest_head;
  });
  if (!long_head)
    return;
  slots_->set_prefetch(0);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    auto& place = places_[i];
    if (place.sequence == 0 || place.started() || place.taken_back)
      continue;
    place.taken_back = true;
    functions::append_cancel(out_.bytes(), place.sequence << place_bits | i);
    at_batch_end();
  }
}

}  // namespace troupe::actors
