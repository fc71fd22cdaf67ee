// How a connection reads: in turns with the others of its loop, heads and bodies by the scanner and the decoder.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "actors/direct_calls.hpp"
#include "http/connection.hpp"

namespace troupe::http {

namespace {

/// Reads of one connection before the others of the loop have their turn.
constexpr int max_reads_in_a_row = 8;
/// Requests of one connection that are answered before the others have their turn: functions may run inline.
constexpr std::uint32_t max_requests_in_a_row = 16;
/// What a refused client may still send before its connection is cut.
constexpr std::size_t max_lingered_bytes = 1024 * 1024;

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

void connection::on_ready(std::uint32_t events) {
  guarded([this, events] { serve(events); });
}

void connection::serve(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    close();
    return;
  }
  if ((events & EPOLLRDHUP) != 0)
    half_closed_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0)
    readable_ = true;
  if ((events & EPOLLOUT) != 0 && phase_ == phase::writing)
    continue_write();
  if (readable_)
    receive();
}

void connection::receive() {
  for (int reads = 0;
       readable_ && !resuming_ && (phase_ == phase::head || phase_ == phase::body || phase_ == phase::lingering);
       ++reads) {
    if (reads == max_reads_in_a_row) {
      resume_input();
      return;
    }
    if (!receive_once())
      return;
  }
}

bool connection::receive_once() {
  // The rest of a body of known length goes straight to where it stays.
  if (phase_ == phase::body && !chunks_ && pending_.empty()) {
    auto& body = request_->body;
    const auto room = std::min<std::uint64_t>(body_left_, 256 * 1024);
    const auto got = actors::direct_recv(descriptor_, body.data() + body.size(), room);
    if (got > 0) {
      body.commit(static_cast<std::size_t>(got));
      body_left_ -= static_cast<std::uint64_t>(got);
      deadline_ = std::min(body_deadline_, loop().now() + edge_.options().body_progress_timeout);
      if (body_left_ == 0)
        on_request_complete();
      else
        edge_.hold_request(*this, body.size());
      return true;
    }
    return on_nothing_received(got, errno);
  }
  auto space = loop().read_buffer();
  space = space.first(std::min(space.size(), edge_.options().max_pipelined_bytes));
  const auto got = actors::direct_recv(descriptor_, space.data(), space.size());
  if (got > 0) {
    // A short read emptied the socket: the next byte raises a new edge. The end of input does not, if it came before.
    if (static_cast<std::size_t>(got) < space.size() && !half_closed_)
      readable_ = false;
    take({space.data(), static_cast<std::size_t>(got)});
    return true;
  }
  return on_nothing_received(got, errno);
}

bool connection::on_nothing_received(ssize_t got, int problem) {
  if (got == 0)
    on_end_of_input();
  else if (problem == EAGAIN)
    readable_ = false;
  else if (problem != EINTR)
    close();
  return got < 0 && problem == EINTR;
}

void connection::on_end_of_input() {
  readable_ = false;
  close();  // read only while nothing is owed: an unfinished request cannot be answered usefully
}

void connection::take(std::string_view bytes) {
  if (phase_ == phase::lingering) {
    lingered_bytes_ += bytes.size();
    if (lingered_bytes_ > max_lingered_bytes)
      close();
    return;
  }
  buffer held = std::move(pending_);
  pending_ = buffer{};
  if (!held.empty()) {
    held.append(bytes);
    bytes = held.view();
  }
  taking_ = true;
  const auto first_call = call_number_;
  while (!bytes.empty() && (phase_ == phase::head || phase_ == phase::body) &&
         call_number_ - first_call < max_requests_in_a_row) {
    const auto used = phase_ == phase::head ? take_head(bytes) : take_body(bytes);
    if (used == 0)
      break;
    bytes.remove_prefix(used);
  }
  taking_ = false;
  if (bytes.empty() || phase_ == phase::closed || phase_ == phase::lingering)
    return;
  if (!held.empty() && bytes.size() == held.size()) {
    pending_ = std::move(held);
  } else {
    pending_.append(bytes);
  }
  if (phase_ == phase::head && call_number_ - first_call == max_requests_in_a_row)
    resume_input();
}

std::size_t connection::take_head(std::string_view bytes) {
  const auto& options = edge_.options();
  const auto end = find_head_end(bytes, searched_);
  if (end == npos || end > options.head.max_bytes) {
    if (bytes.size() >= options.head.max_bytes) {
      refuse(refuse_long_head(bytes, options.head), bytes);
      return 0;
    }
    if (searched_ == 0)
      set_deadline(options.header_timeout);
    searched_ = bytes.size();
    return 0;
  }
  searched_ = 0;
  request_ = std::make_shared<functions::http_request>();
  request_->head.append(bytes.substr(0, end));
  auto& head = edge_.scratch_head();
  if (const auto problem = scan_head(request_->head.view(), options.head, head)) {
    refuse(*problem, bytes);
    return 0;
  }
  keep_alive_ = head.keep_alive && !edge_.draining();
  http_1_1_ = head.http_1_1;
  head_only_ = head.method == "HEAD";
  request_->method = head.method;
  request_->target = head.target;
  request_->path = head.path;
  request_->query = head.query;
  request_->fields = head.fields;
  request_->peer_address = peer_address_;
  request_->local_port = local_port_;
  if (head.body == body_framing::none) {
    on_request_complete();
    return end;
  }
  phase_ = phase::body;
  body_deadline_ = loop().now() + options.body_timeout;
  deadline_ = std::min(body_deadline_, loop().now() + options.body_progress_timeout);
  if (head.body == body_framing::chunked) {
    chunks_ = std::make_unique<chunk_decoder>(options.chunks);
  } else {
    body_left_ = head.content_length;
    request_->body.reserve(static_cast<std::size_t>(body_left_));
  }
  if (head.expects_continue && bytes.size() == end &&
      ::send(descriptor_, continue_line.data(), continue_line.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(continue_line.size())) {
    close();  // 25 bytes do not fit into an empty socket buffer: the peer is gone
    return 0;
  }
  return end;
}

std::size_t connection::take_body(std::string_view bytes) {
  deadline_ = std::min(body_deadline_, loop().now() + edge_.options().body_progress_timeout);
  if (!chunks_) {
    const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
    request_->body.append(bytes.substr(0, used));
    body_left_ -= used;
    if (body_left_ == 0)
      on_request_complete();
    else
      edge_.hold_request(*this, request_->body.size());
    return used;
  }
  const auto progress = chunks_->feed(bytes, request_->body);
  if (progress.state == chunk_decoder::verdict::refused) {
    refuse(progress.why);
    return 0;
  }
  if (progress.state == chunk_decoder::verdict::done) {
    chunks_.reset();
    on_request_complete();
  } else {
    edge_.hold_request(*this, request_->body.size());
  }
  return progress.consumed;
}

void connection::resume_input() {
  if (resuming_)
    return;
  resuming_ = true;
  loop().at_batch_end(*this);
}

void connection::on_batch_end() {
  guarded([this] {
    resuming_ = false;
    if (phase_ == phase::head && !pending_.empty()) {
      // Requests that came with an earlier one.
      buffer held = std::move(pending_);
      pending_ = buffer{};
      take(held.view());
    }
    if (readable_)
      receive();
  });
}

}  // namespace troupe::http
