// What a worker instance reads and writes: frames on its channel, lines on its output.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "actors/direct_calls.hpp"
#include "actors/worker_instance.hpp"
#include "functions/priority.hpp"

namespace troupe::actors {

namespace {

using functions::frame_kind;

/// Reads of one channel or pipe before the others of the loop have their turn.
constexpr int max_reads_in_a_row = 4;
/// Without EPOLLOUT: on such a socket each read of the worker would wake this loop. Watched for only while it is full.
constexpr std::uint32_t channel_events = EPOLLIN | EPOLLRDHUP;
constexpr std::size_t max_partial_line = 256 * 1024;
/// What a longer line needed is given back after it.
constexpr std::size_t usual_line = 16 * 1024;
/// What V8 prints before it aborts.
constexpr std::string_view heap_exhausted = "JavaScript heap out of memory";

}  // namespace

void worker_instance::on_channel(const worker_ends_ptr& ends) {
  if (phase_ != phase::waiting)
    return;  // the ends close, and with them the process
  phase_ = phase::starting;
  born_at_ = last_used_ = loop().now();
  channel_ = std::exchange(ends->channel, -1);
  output_ = std::exchange(ends->output, -1);
  pid_ = ends->pid;
  what_.surroundings.log_stream = ends->log_stream;
  const auto watched = loop().watch(channel_, channel_events, *this).and_then([&] {
    return loop().watch(output_, EPOLLIN, output_watcher_);
  });
  if (!watched)
    lose_channel(watched.error().what);
  rearm(loop().now());
}

void worker_instance::on_ready(std::uint32_t events) {
  enter();
  const auto alive = strong_self();  // what is read may end this actor
  told_router_ = false;
  if ((events & EPOLLOUT) != 0) {
    writable_ = true;
    loop().rewatch(channel_, channel_events, *this);
    flush();
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    channel_ended_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    read_channel();
}

/// Without memory for what the worker sends, its stream is lost, and nothing but this instance with it.
void worker_instance::read_channel() {
  try {
    receive();
  } catch (const std::bad_alloc&) {
    attempt([this] { lose_channel("no memory"); });
    attempt([this] { kill(); });
  }
}

void worker_instance::receive() {
  channel_waits_ = false;
  for (int reads = 0; channel_ >= 0; ++reads) {
    if (reads == max_reads_in_a_row) {
      channel_waits_ = true;
      at_batch_end();
      return;
    }
    const auto room = reader_.room();
    const auto got = direct_recv(channel_, room.data(), room.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN) {
      reader_.pause();
      return;
    }
    if (got <= 0) {
      // Of a worker that left something unread it is an error.
      closed_by_worker_ = phase_ != phase::dying;
      lose_channel(got == 0 ? "the worker closed its channel" : std::strerror(errno));
      return;
    }
    const bool emptied = static_cast<std::size_t>(got) < room.size();
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
    // An edge: what comes next raises a new one, unless the end has been announced already.
    if (emptied && !channel_ended_) {
      reader_.pause();
      return;
    }
  }
}

void worker_instance::on_frame(const functions::frame& frame) {
  switch (frame.kind) {
    case frame_kind::hello: return on_hello(frame);
    case frame_kind::loaded: return on_loaded();
    case frame_kind::answer:
    case frame_kind::error:
    case frame_kind::cancelled: return answered(frame);
    case frame_kind::log: what_.log->write(frame.text, frame.payload, line_form::complete); return;
    case frame_kind::pong: ping_deadline_ = time_point::max(); return;
    case frame_kind::stop: return on_leaving();
    case frame_kind::chunk:
    case frame_kind::unknown: return;  // of a newer shim: nothing that this node asked for
    case frame_kind::load:
    case frame_kind::call:
    case frame_kind::cancel:
    case frame_kind::shape:
    case frame_kind::shaped_call:
    case frame_kind::ping: return lose_channel("the worker sent a frame that only a node sends");
  }
}

void worker_instance::on_hello(const functions::frame& frame) {
  if (phase_ == phase::dying)
    return;
  if (phase_ != phase::starting ||
      (frame.number != functions::frame_protocol_version && frame.number != functions::frame_protocol_with_shapes))
    return lose_channel("the worker speaks another protocol");
  if (frame.number == functions::frame_protocol_with_shapes)
    shapes_.emplace();
  phase_ = phase::loading;
  functions::append_load(out_.bytes(), functions::load_payload(*what_.spec, what_.surroundings));
  at_batch_end();
}

void worker_instance::on_loaded() {
  if (phase_ != phase::loading || kill_wanted_)
    return;
  phase_ = phase::ready;
  loaded_at_ = last_used_ = loop().now();
  if (what_.limits.starts_lowered && pid_ > 0)
    functions::restore_priority(pid_);
  look_at_memory(loaded_at_);
  slots_->open();
  joined_router_ = true;
  send(what_.router,
       instance_ready{what_.spec->id, what_.spec->version, caf::actor_cast<function_actor>(ctrl()), slots_});
  send(what_.supervisor, worker_ready{what_.instance, loaded_at_ - born_at_});
  if (stop_requested_)
    stop();
  rearm(loop().now());
}

void worker_instance::at_batch_end() {
  if (batch_end_pending_)
    return;
  loop().at_batch_end(*this);
  batch_end_pending_ = true;
}

void worker_instance::on_batch_end() {
  enter();
  const auto alive = strong_self();
  batch_end_pending_ = false;
  told_router_ = false;
  if (channel_waits_)
    read_channel();
  if (output_waits_)
    read_output();
  flush();
  look_at_idle_work(loop().now());
}

void worker_instance::flush() {
  while (writable_ && channel_ >= 0 && !out_.unsent().empty()) {
    const auto piece = out_.unsent();
    const auto sent = direct_send(channel_, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      // Epoll says when it has room again; anything but EAGAIN shows as the end of the channel.
      writable_ = false;
      loop().rewatch(channel_, channel_events | EPOLLOUT, *this);
      return;
    }
    out_.sent(static_cast<std::size_t>(sent));
  }
}

void worker_instance::lose_channel(std::string why) {
  if (channel_ < 0)
    return;
  loop().unwatch(channel_, *this);
  ::close(std::exchange(channel_, -1));
  if (end_reason_.empty())
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
  for (int reads = 0; output_ >= 0; ++reads) {
    if (reads == max_reads_in_a_row) {
      output_waits_ = true;
      at_batch_end();
      return;
    }
    const auto got = ::read(output_, space.data(), space.size());
    if (got > 0) {
      log_output({space.data(), static_cast<std::size_t>(got)}, false);
      continue;
    }
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN)
      return;
    loop().unwatch(output_, output_watcher_);
    ::close(std::exchange(output_, -1));
    log_output({}, true);
  }
}

/// What the pipe holds now; it holds 64 KiB at most, so a worker that goes on printing is not followed for ever.
void worker_instance::drain_output() {
  for (int turns = 0; turns < 2; ++turns) {
    read_output();
    if (!output_waits_)
      return;
  }
}

void worker_instance::log_output(std::string_view bytes, bool last) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    partial_line_.append(piece.substr(0, max_partial_line - std::min(max_partial_line, partial_line_.size())));
    if (end == bytes.npos)
      break;
    const bool taken = log_line();
    bytes.remove_prefix(end + 1);
    if (!taken && what_.log->is_full())
      skip_lines(bytes);
  }
  if (last && !partial_line_.empty())
    log_line();
}

/// All whole lines: none would be taken, and to look at each would take the loop from its clients.
void worker_instance::skip_lines(std::string_view& bytes) {
  const auto last_end = bytes.rfind('\n');
  if (last_end == bytes.npos)
    return;
  const auto skipped = bytes.substr(0, last_end + 1);
  if (skipped.find(heap_exhausted) != skipped.npos)
    over_memory_ = true;
  what_.log->drop(static_cast<std::uint64_t>(std::count(skipped.begin(), skipped.end(), '\n')));
  bytes.remove_prefix(skipped.size());
}

/// @returns whether the log took it.
bool worker_instance::log_line() {
  if (partial_line_.find(heap_exhausted) != partial_line_.npos)
    over_memory_ = true;
  // A worker that runs one call at a time prints for that one.
  const running_call* speaker = nullptr;
  if (what_.spec->concurrency == 1)
    for (const auto& place : places_)
      if (place.sequence != 0 && place.started())
        speaker = &place;
  char id[36];
  if (speaker != nullptr)
    format(speaker->call->invocation_id, id);
  const auto taken = what_.log->write({id, speaker == nullptr ? 0 : sizeof id}, partial_line_);
  partial_line_.clear();
  if (partial_line_.capacity() > usual_line)
    partial_line_.shrink_to_fit();
  return taken;
}

}  // namespace troupe::actors
