#include "actors/worker_instance.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "config/log.hpp"
#include "functions/event.hpp"
#include "functions/native_frame.hpp"

namespace troupe::actors {

namespace {

using functions::failure;
using functions::frame_kind;
using functions::invocation_ptr;
using functions::outcome_ptr;

/// The place of a call in `places_` stands in the low bits of its id.
constexpr unsigned place_bits = 10;
/// The type of error that shims report for an answer over the limit (specs: lambda-runtime-api 3).
constexpr std::string_view too_large_type = "Function.ResponseSizeTooLarge";
/// Reads of one channel or pipe before the others of the loop have their turn.
constexpr int max_reads_in_a_row = 4;
constexpr std::size_t max_partial_line = 64 * 1024;

}  // namespace

worker_instance::worker_instance(caf::actor_config& config, worker_config what)
    : loop_bound{config}, what_{std::move(what)}, slots_{std::make_shared<worker_slots>(what_.spec->concurrency,
                                                                                        what_.load, loop().index())},
      places_(what_.spec->concurrency), reader_{what_.limits.max_payload_bytes}, output_watcher_{*this} {}

worker_instance::~worker_instance() {
  if (what_.channel >= 0)
    ::close(what_.channel);
  if (what_.output >= 0)
    ::close(what_.output);
}

worker_instance::behavior_type worker_instance::make_behavior() {
  born_at_ = last_used_ = loop().now();
  const auto watched = loop().watch(what_.channel, EPOLLIN | EPOLLOUT | EPOLLRDHUP, *this).and_then([&] {
    return loop().watch(what_.output, EPOLLIN, output_watcher_);
  });
  if (!watched)
    lose_channel(watched.error().what);
  rearm(loop().now());
  return {
      [this](const invocation_ptr& call) { return run(call); },
      [this](const worker_process& process) { on_process(process.event); },
      [this](stop_atom) { stop(); },
      [this](halt_atom) { halt(); },
  };
}

void worker_instance::on_exit() {
  loop().disarm(*this);
  loop().cancel_batch_end(*this);
  if (what_.channel >= 0)
    loop().unwatch(what_.channel, *this);
  if (what_.output >= 0)
    loop().unwatch(what_.output, output_watcher_);
  places_.clear();
  what_.router = nullptr;
  what_.supervisor = nullptr;
}

// -- channel
// ----------------------------------------------------------------------------------------------------------------

void worker_instance::on_ready(std::uint32_t events) {
  enter();
  const auto alive = strong_self();  // what is read may end this actor
  if ((events & EPOLLOUT) != 0) {
    writable_ = true;
    flush();
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    read_channel();
}

void worker_instance::read_channel() {
  channel_waits_ = false;
  for (int reads = 0; what_.channel >= 0; ++reads) {
    if (reads == max_reads_in_a_row) {
      channel_waits_ = true;
      at_batch_end();
      return;
    }
    const auto room = reader_.room();
    const auto got = ::recv(what_.channel, room.data(), room.size(), 0);
    if (got < 0) {
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN)
        lose_channel(std::strerror(errno));
      return;
    }
    if (got == 0) {
      lose_channel("the worker closed its channel");
      return;
    }
    reader_.commit(static_cast<std::size_t>(got));
    for (;;) {
      auto next = reader_.next();
      if (!next) {
        lose_channel(next.error().what);
        return;
      }
      if (!*next)
        break;
      on_frame(**next);
    }
  }
}

void worker_instance::on_frame(const functions::frame& frame) {
  switch (frame.kind) {
    case frame_kind::hello:
      if (said_hello_ || frame.number != functions::frame_protocol_version)
        return lose_channel("the worker speaks another protocol");
      said_hello_ = true;
      phase_ = phase::loading;
      functions::append_load(out_, functions::load_payload(*what_.spec, what_.surroundings));
      return at_batch_end();
    case frame_kind::loaded: return on_loaded();
    case frame_kind::answer:
      if (auto* place = find(frame.call_id)) {
        auto result = std::make_shared<functions::outcome>();
        if (what_.spec->kind == functions::runtime_kind::native) {
          if (auto read = functions::read_native_answer(frame.payload))
            result->value = std::move(*read);
          else
            result = functions::make_failure(read.error().code, read.error().what);
          return settle(*place, std::move(result));
        }
        auto& answer = result->value.emplace<functions::json_answer>();
        answer.bytes.reserve(frame.payload.size() + functions::answer_padding);
        answer.bytes.append(frame.payload);
        settle(*place, std::move(result));
      }
      return;
    case frame_kind::error:
      if (frame.call_id == 0)
        return on_load_error(frame);
      if (auto* place = find(frame.call_id))
        settle(*place,
               functions::make_failure(frame.text == too_large_type ? errc::answer_too_large : errc::function_error,
                                       std::string{frame.text}, std::string{frame.payload}));
      return;
    case frame_kind::cancelled:
      if (auto* place = find(frame.call_id))
        settle(*place, functions::make_failure(errc::not_ready, "the worker gave the call back"));
      return;
    case frame_kind::log: return what_.log->write(frame.text, frame.payload, line_form::complete);
    case frame_kind::pong: ping_deadline_ = time_point::max(); return;
    case frame_kind::stop: return on_leaving();
    case frame_kind::chunk:
    case frame_kind::unknown: return;  // of a newer shim: nothing that this node asked for
    case frame_kind::load:
    case frame_kind::call:
    case frame_kind::cancel:
    case frame_kind::ping: return lose_channel("the worker sent a frame that only a node sends");
  }
}

void worker_instance::on_loaded() {
  if (phase_ != phase::loading)
    return;
  phase_ = phase::ready;
  loaded_at_ = last_used_ = loop().now();
  slots_->open();
  joined_router_ = true;
  send(what_.router,
       instance_ready{what_.spec->id, what_.spec->version, caf::actor_cast<function_actor>(ctrl()), slots_});
  send(what_.supervisor, worker_ready{what_.instance, loaded_at_ - born_at_});
  if (stop_requested_)
    stop();
  rearm(loop().now());
}

void worker_instance::on_load_error(const functions::frame& frame) {
  load_failure_ = failure{errc::init_failed, std::string{frame.payload}, std::string{frame.text}};
}

void worker_instance::at_batch_end() {
  if (batch_end_pending_)
    return;
  batch_end_pending_ = true;
  loop().at_batch_end(*this);
}

void worker_instance::on_batch_end() {
  enter();
  const auto alive = strong_self();
  batch_end_pending_ = false;
  if (channel_waits_)
    read_channel();
  if (output_waits_)
    read_output();
  flush();
}

void worker_instance::flush() {
  while (writable_ && what_.channel >= 0 && written_ < out_.size()) {
    const auto sent = ::send(what_.channel, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      writable_ = false;  // EAGAIN: epoll says when; anything else shows as the end of the channel
      return;
    }
    written_ += static_cast<std::size_t>(sent);
  }
  if (written_ == out_.size()) {
    if (out_.capacity() > 1024 * 1024)
      out_.release();
    out_.clear();
    written_ = 0;
  }
}

void worker_instance::lose_channel(std::string why) {
  if (what_.channel < 0)
    return;
  loop().unwatch(what_.channel, *this);
  ::close(std::exchange(what_.channel, -1));
  end_reason_ = std::move(why);
  leave_router();
  // Its exit tells how it ended; until then the calls that it has are undecided.
  kill();
}

void worker_instance::read_output() {
  enter();
  output_waits_ = false;
  // Not the loop's buffer: this also runs while a connection still looks at what it received.
  std::array<char, 16 * 1024> space;
  for (int reads = 0; what_.output >= 0; ++reads) {
    if (reads == max_reads_in_a_row) {
      output_waits_ = true;
      at_batch_end();
      return;
    }
    const auto got = ::read(what_.output, space.data(), space.size());
    if (got > 0) {
      log_output({space.data(), static_cast<std::size_t>(got)}, false);
      continue;
    }
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    loop().unwatch(what_.output, output_watcher_);
    ::close(std::exchange(what_.output, -1));
    log_output({}, true);
  }
}

void worker_instance::log_output(std::string_view bytes, bool last) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    partial_line_.append(piece.substr(0, max_partial_line - std::min(max_partial_line, partial_line_.size())));
    if (end == bytes.npos)
      break;
    what_.log->write({}, partial_line_);
    partial_line_.clear();
    bytes.remove_prefix(end + 1);
  }
  if (last && !partial_line_.empty()) {
    what_.log->write({}, partial_line_);
    partial_line_.clear();
  }
}

// -- calls
// ------------------------------------------------------------------------------------------------------------------

worker_instance::running_call* worker_instance::find(std::uint64_t call_id) {
  const auto place = call_id & ((1u << place_bits) - 1);
  if (place >= places_.size() || places_[place].sequence != call_id >> place_bits || call_id >> place_bits == 0)
    return nullptr;  // answered by its timeout already
  return &places_[place];
}

caf::result<outcome_ptr> worker_instance::run(const invocation_ptr& call) {
  // The router took a slot before it sent the call here.
  auto free = std::find_if(places_.begin(), places_.end(), [](const auto& p) { return p.sequence == 0; });
  if (phase_ != phase::ready || what_.channel < 0 || free == places_.end()) {
    // It did not run, and the router knows by now that this instance takes nothing more.
    free_slot();
    return delegate(what_.router, call);
  }
  const auto sequence = next_sequence_++;
  const auto id = sequence << place_bits | static_cast<std::uint64_t>(free - places_.begin());
  const auto now = wall_now();
  char invocation_text[36];
  format(call->invocation_id, invocation_text);
  const functions::trace_id trace{*call, now};
  const auto mark = functions::begin_call(out_, id);
  if (what_.spec->kind == functions::runtime_kind::native)
    functions::append_native_request(out_, *call);
  else
    functions::append_event(out_, *call, {.wall = now, .trace = trace, .account_id = what_.surroundings.account_id});
  const auto deadline = static_cast<std::uint64_t>((now + what_.spec->timeout).count());
  const auto closed =
      functions::end_call(out_, mark, {{invocation_text, sizeof invocation_text}, deadline, trace.view(), {}},
                          what_.limits.max_payload_bytes);
  if (!closed) {
    free_slot();
    return functions::make_failure(closed.error().code, closed.error().what);
  }
  free->answer = make_response_promise<promise>();
  free->call = call;
  free->started_at = loop().now();
  free->sequence = sequence;
  if (!armed || armed_for > free->started_at + what_.spec->timeout)
    rearm(loop().now());
  at_batch_end();
  return free->answer;
}

void worker_instance::settle(running_call& place, outcome_ptr result) {
  const auto now = last_used_ = loop().now();
  // Two loops' clocks may be a batch apart.
  result->queued = std::max(duration{}, place.started_at - place.call->arrived_at);
  result->started = std::clamp(loaded_at_ - place.call->arrived_at, duration{}, result->queued);
  result->ran = now - place.started_at;
  place.sequence = 0;
  place.call.reset();
  auto answer = std::move(place.answer);
  place.answer = {};
  answer.deliver(std::move(result));
  free_slot();
}

void worker_instance::free_slot() {
  slots_->give_back();
  if (slots_->calls_wait && phase_ == phase::ready)
    send(what_.router, slot_free{what_.spec->id});
  stop_if_done();
}

void worker_instance::fail_running(errc code, const std::string& detail, int wait_status, bool exited) {
  for (auto& place : places_)
    if (place.sequence != 0)
      settle(place, functions::make_failure(
                        code, detail, exited ? functions::exit_payload(place.call->invocation_id, wait_status) : ""));
}

// -- life
// -------------------------------------------------------------------------------------------------------------------

void worker_instance::rearm(time_point now) {
  auto next = std::min(stop_deadline_, ping_deadline_);
  if (phase_ == phase::starting || phase_ == phase::loading)
    next = std::min(next, born_at_ + what_.limits.init_timeout);
  auto oldest = time_point::max();
  for (const auto& place : places_)
    if (place.sequence != 0)
      oldest = std::min(oldest, place.started_at);
  if (oldest != time_point::max())
    next = std::min(next, oldest + what_.spec->timeout);
  else if (phase_ == phase::ready)
    next = std::min(next, std::max(now + milliseconds{1}, last_used_ + what_.limits.idle_timeout));
  // A wanted kill waits for the process id; no deadline hurries that.
  if (next == time_point::max() || phase_ == phase::dying || kill_wanted_)
    loop().disarm(*this);
  else
    loop().arm(*this, next);
}

void worker_instance::on_timer(time_point now) {
  enter();
  const auto alive = strong_self();
  if ((phase_ == phase::starting || phase_ == phase::loading) && now >= born_at_ + what_.limits.init_timeout) {
    load_failure_ =
        failure{errc::init_failed, functions::init_timeout_payload({}, what_.limits.init_timeout),
                "the code took longer than " + std::to_string(what_.limits.init_timeout.count()) + " ms to load"};
    kill();
  }
  expire_calls(now);
  if (now >= stop_deadline_ || now >= ping_deadline_)
    kill();
  if (phase_ == phase::ready && slots_->in_flight() == 0 && now >= last_used_ + what_.limits.idle_timeout)
    stop();
  rearm(now);
  loop().drain();
}

void worker_instance::expire_calls(time_point now) {
  bool expired = false;
  for (auto& place : places_) {
    if (place.sequence == 0 || now < place.started_at + what_.spec->timeout)
      continue;
    expired = true;
    char invocation_text[36];
    format(place.call->invocation_id, invocation_text);
    char text[64];
    std::snprintf(text, sizeof text, "Task timed out after %.2f seconds",
                  static_cast<double>(what_.spec->timeout.count()) / 1000);
    what_.log->write({invocation_text, sizeof invocation_text}, text);
    settle(place, functions::make_failure(errc::function_timeout, text,
                                          functions::timeout_payload(place.call->invocation_id, what_.spec->timeout)));
  }
  if (!expired)
    return;
  retire("a call timed out");
  if (slots_->in_flight() == 0) {
    kill();
  } else if (ping_deadline_ == time_point::max()) {
    // The others may finish, provided that the process still turns its loop.
    functions::append_ping(out_, 1);
    at_batch_end();
    ping_deadline_ = now + what_.limits.ping_timeout;
  }
}

void worker_instance::retire(std::string why) {
  if (phase_ == phase::dying || phase_ == phase::retiring)
    return;
  phase_ = phase::retiring;
  end_reason_ = std::move(why);
  leave_router();
}

void worker_instance::on_leaving() {
  retire("the worker leaves");
  stop_deadline_ = std::min(stop_deadline_, loop().now() + what_.limits.stop_timeout);
  rearm(loop().now());
}

void worker_instance::stop() {
  stop_requested_ = true;
  if (phase_ == phase::starting || phase_ == phase::loading) {
    kill();
    return;
  }
  retire("told to stop");
  stop_if_done();
}

void worker_instance::halt() {
  stop();
  if (slots_->in_flight() > 0)
    kill();
}

void worker_instance::stop_if_done() {
  if (phase_ != phase::retiring || slots_->in_flight() != 0 || stop_deadline_ != time_point::max())
    return;
  if (!stop_requested_) {
    kill();  // it hung in a call; what waits for its end must not wait for its good will
    return;
  }
  functions::append_stop(out_);
  at_batch_end();
  stop_deadline_ = loop().now() + what_.limits.stop_timeout;
  rearm(loop().now());
}

void worker_instance::kill() {
  leave_router();
  if (phase_ == phase::dying)
    return;
  if (pid_ == 0) {
    kill_wanted_ = true;  // the spawner has not said yet who it is
    return;
  }
  phase_ = phase::dying;
  what_.spawner->kill(pid_, SIGKILL);
}

void worker_instance::leave_router() {
  slots_->retire();
  if (std::exchange(joined_router_, false))
    send(what_.router, instance_gone{what_.spec->id, slots_});
}

void worker_instance::on_process(const functions::spawner_event& event) {
  if (const auto* spawned = std::get_if<functions::worker_spawned>(&event)) {
    pid_ = spawned->pid;
    if (kill_wanted_)
      kill();
    return;
  }
  if (const auto* failed = std::get_if<functions::spawn_failed>(&event)) {
    end({errc::init_failed, functions::spawn_failure_payload({}, failed->text), failed->text});
    return;
  }
  const auto& exited = std::get<functions::worker_exited>(event);
  pid_ = 0;
  phase_ = phase::dying;
  // What it wrote before it ended; the kernel's buffers bound both.
  do
    read_channel();
  while (channel_waits_);
  do
    read_output();
  while (output_waits_);
  std::string how = WIFSIGNALED(exited.wait_status) ? "killed by signal " + std::to_string(WTERMSIG(exited.wait_status))
                                                    : "exit status " + std::to_string(WEXITSTATUS(exited.wait_status));
  fail_running(errc::function_crashed, "the worker ended during the call: " + how, exited.wait_status, true);
  failure why{errc::init_failed, functions::exit_payload({}, exited.wait_status), "the worker ended: " + how};
  if (loaded_at_ == time_point{} && load_failure_)
    why = *load_failure_;
  if (!end_reason_.empty())
    why.detail += " (" + end_reason_ + ")";
  end(std::move(why));
}

void worker_instance::end(failure why) {
  leave_router();
  fail_running(errc::function_crashed, why.detail, 0, false);
  send(what_.supervisor,
       worker_ended{what_.instance, loaded_at_ != time_point{}, stop_requested_, loaded_at_, std::move(why)});
  quit();
}

}  // namespace troupe::actors
