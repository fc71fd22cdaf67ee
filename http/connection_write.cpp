// The writing half of http/connection.
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "actors/direct_calls.hpp"
#include "http/connection.hpp"
#include "http/head_peek.hpp"

namespace troupe::http {

namespace {

constexpr std::size_t max_flat_body = 16 * 1024;

void append_number(buffer& out, std::size_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append({digits, static_cast<std::size_t>(end - digits)});
}

bool has_no_body(unsigned status) {
  return status == 204 || status == 304 || status < 200;
}

}  // namespace

void connection::append_head(buffer& out, const reply& what, std::size_t body_bytes) {
  if (what.status == 200) {
    out.append("HTTP/1.1 200 OK\r\ndate: ");
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, what.status);
    out.push_back(' ');
    out.append(reason_phrase(what.status));
    out.append("\r\ndate: ");
  }
  out.append(loop().date());
  out.append("\r\n");
  out.append(what.fields);
  out.append("apigw-requestid: ");
  out.append(request_id_.view());
  if (!has_no_body(what.status)) {
    out.append("\r\ncontent-length: ");
    append_number(out, body_bytes);
  }
  if (!keep_alive_)
    out.append("\r\nconnection: close\r\n\r\n");
  else if (!http_1_1_)
    out.append("\r\nconnection: keep-alive\r\n\r\n");
  else
    out.append("\r\n\r\n");
}

/// Of the body that the client gets.
std::size_t connection::body_bytes(const reply& what) const noexcept {
  return head_only_ || has_no_body(what.status) ? 0 : what.body_view().size();
}

void connection::record(const reply* what, const functions::outcome* result) {
  const auto total = clock::now() - arrived_at_;
  if (edge_.options().count_requests)
    count_request(what, result, total);
  if (edge_.access().wants(what != nullptr ? what->status : 0))
    log_request(what, result, total);
}

void connection::count_request(const reply* what, const functions::outcome* result, duration total) noexcept {
  auto& cells = counted_at_ != nullptr ? *counted_at_ : edge_.unrouted();
  if (what != nullptr && what->refused != nullptr)
    edge_.refused()[static_cast<std::size_t>(what->refused - refusal_causes.data())].add();
  if (what != nullptr)
    cells.count(what->status, what->cause, body_bytes(*what), total, result);
  else
    cells.ends[static_cast<std::size_t>(request_end::aborted)].add();
}

void connection::log_request(const reply* what, const functions::outcome* result, duration total) {
  access_entry entry;
  if (asked_ != nullptr) {
    entry.method = asked_->method;
    entry.path = asked_->path;
  }
  if (in_flight_) {
    entry.route = *in_flight_->route_key;
    entry.function = in_flight_->function->name;
    entry.invocation_id = &in_flight_->invocation_id;
  }
  if (what != nullptr) {
    entry.status = what->status;
    entry.cause = what->cause_name();
    entry.detail = what->detail;
    entry.bytes = body_bytes(*what);
  }
  if (result != nullptr) {
    entry.queued = result->queued;
    entry.started = result->started;
    entry.ran = result->ran;
  }
  entry.total = total;
  entry.peer = peer_address_;
  entry.request_id = request_id_;
  edge_.access().write(entry);
}

void connection::answer(reply&& what, const functions::outcome* result) {
  if (edge_.draining())
    keep_alive_ = false;
  const auto without_body = head_only_ || has_no_body(what.status);
  // Now it can still be told why; once it has begun, it could only be cut off.
  if (!without_body && !edge_.takes_answer(what.fields.size() + what.body_view().size()))
    what = error_reply(errc::overloaded, edge_.options().errors);
  auto& out = edge_.scratch();
  out.clear();
  auto body = what.body_view();
  append_head(out, what, body.size());
  if (without_body)
    body = {};
  if (body.size() <= max_flat_body) {
    out.append(body);
    body = {};
  }
  phase_ = phase::writing;
  const auto sent = send_at_once(out.view(), body);
  // The client has its answer before it is counted and logged.
  record(&what, result);
  forget_call();
  if (sent < 0)
    close();
  else
    go_on_writing(static_cast<std::size_t>(sent), out, std::move(what), body);
  edge_.tidy_scratch();
}

void connection::refuse(const refusal& why, std::string_view head) {
  refuse_with(refusal_reply(why.status, why.why), head);
}

void connection::refuse_with(reply&& what, std::string_view head) {
  // One answer, then nothing of this client is read as HTTP any more: framing can no longer be trusted.
  keep_alive_ = false;
  head_only_ = false;
  http_1_1_ = true;
  edge_.let_go_of_body(*this);
  chunks_.reset();
  ++call_number_;
  request_id_ = make_request_id();
  arrived_at_ = loop().now();
  const auto read = std::exchange(request_, nullptr);
  functions::http_request seen;
  if (!head.empty()) {
    const auto line = peek_request_line(head, edge_.options().head);
    seen.method = line.method;
    seen.path = line.path;
  }
  // For the log, which is all that becomes of it.
  asked_ = edge_.admin ? nullptr : head.empty() ? read.get() : &seen;
  answer(std::move(what));
  pending_.release();
}

/// @returns how much the kernel took; less than zero when the connection is broken.
ssize_t connection::send_at_once(std::string_view head, std::string_view body) {
  std::array<iovec, 2> pieces{iovec{const_cast<char*>(head.data()), head.size()},
                              iovec{const_cast<char*>(body.data()), body.size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = body.empty() ? 1 : 2;
  ssize_t sent = 0;
  do
    sent = body.empty() ? actors::direct_send(descriptor_, head.data(), head.size(), MSG_NOSIGNAL)
                        : ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 && errno == EAGAIN ? 0 : sent;
}

void connection::go_on_writing(std::size_t sent, buffer& head, reply&& what, std::string_view body) {
  if (sent == head.size() + body.size()) {
    on_written();
    return;
  }
  sent_ = sent;
  unsent_.append(head.view());
  if (!body.empty()) {
    unsent_reply_ = std::move(what);
    unsent_body_ = unsent_reply_.body_view();  // a moved short string lies elsewhere now
  }
  edge_.hold_answer(*this, unsent_.size() + unsent_body_.size());
  note_unacknowledged();
  earlier_unacknowledged_ = std::max(unacknowledged_ - static_cast<int>(sent), 0);
}

void connection::continue_write() {
  const auto total = unsent_.size() + unsent_body_.size();
  while (sent_ < total) {
    const auto piece =
        sent_ < unsent_.size() ? unsent_.view().substr(sent_) : unsent_body_.substr(sent_ - unsent_.size());
    const auto sent = ::send(descriptor_, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN)
        close();
      return;
    }
    sent_ += static_cast<std::size_t>(sent);
    note_unacknowledged();
  }
  edge_.let_go_of_body(*this);
  unsent_.release();
  unsent_body_ = {};
  unsent_reply_ = {};
  sent_ = 0;
  on_written();
}

void connection::on_write_timeout() {
  // The kernel takes more only when a good part of its buffer is free: a slow reader shows in what it acknowledges.
  int left = 0;
  if (::ioctl(descriptor_, SIOCOUTQ, &left) != 0 || left >= unacknowledged_) {
    edge_.budget().count(turn_away::slow_reader);
    close();
    return;
  }
  unacknowledged_ = left;
  set_deadline(edge_.options().write_progress_timeout);
}

std::size_t connection::taken_bytes() const noexcept {
  int left = 0;
  if (::ioctl(descriptor_, SIOCOUTQ, &left) != 0)
    return sent_;
  const auto given = sent_ + static_cast<std::size_t>(earlier_unacknowledged_);
  return given - std::min(given, static_cast<std::size_t>(left));
}

void connection::note_unacknowledged() {
  if (::ioctl(descriptor_, SIOCOUTQ, &unacknowledged_) != 0)
    unacknowledged_ = 0;
  set_deadline(edge_.options().write_progress_timeout);
}

void connection::on_written() {
  if (!keep_alive_) {
    linger();
    return;
  }
  expect_next_request();
}

void connection::expect_next_request() {
  phase_ = phase::head;
  set_deadline(edge_.draining() ? edge_.options().drain_idle_timeout : edge_.options().idle_timeout);
  if (!taking_ && (readable_ || !pending_.empty()))
    resume_input();
}

/// The rest of the answer is void: what the kernel keeps of it for a client that takes none goes as well.
void connection::cut_off() {
  const ::linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void connection::linger() {
  // Closing while the client still sends would reset the connection and take the answer with it (RFC 9112 9.6).
  phase_ = phase::lingering;
  pending_.release();
  ::shutdown(descriptor_, SHUT_WR);
  set_deadline(edge_.options().linger_timeout);
  if (!taking_ && readable_)
    resume_input();
}

void connection::close() {
  if (phase_ == phase::closed)
    return;
  if (phase_ == phase::calling && asked_ != nullptr) {
    leave_call();
    record(nullptr, nullptr);
  }
  phase_ = phase::closed;
  edge_.let_go_of_body(*this);
  leave_call();
  forget_call();
  if (resuming_)
    loop().cancel_batch_end(*this);
  loop().unwatch(descriptor_, *this);
  ::close(descriptor_);
  descriptor_ = -1;
  edge_.remove(*this);
  // Others of this batch may still hold a pointer; the last reference goes when the batch has ended.
  loop().keep_until_batch_end(std::make_shared<caf::strong_actor_ptr>(std::move(self_)));
  send_exit(this, caf::exit_reason::user_shutdown);
  loop().drain();
}

}  // namespace troupe::http
