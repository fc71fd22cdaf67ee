#include "actors/link_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/direct_calls.hpp"
#include "actors/socket_address.hpp"

namespace troupe::actors {

namespace {

/// Before the others of the loop have their turn.
constexpr int max_reads_in_a_row = 4;
constexpr int max_sends_in_a_row = 4;
/// Pulled at a time; urgent frames wait behind no more than this and what the kernel holds unsent.
constexpr std::size_t max_out_bytes = 256 * 1024;
constexpr int max_kernel_unsent = 256 * 1024;
/// Memory that an idle stream keeps.
constexpr std::size_t max_idle_bytes = 128 * 1024;

std::string error_text(int problem) {
  return std::strerror(problem);
}

stream_end end_of(int problem) noexcept {
  switch (problem) {
    case ECONNREFUSED: return stream_end::refused;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return stream_end::silent;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return stream_end::closed;
    default: return stream_end::broken;
  }
}

stream_failure failure_of(int problem) {
  return {end_of(problem), error_text(problem)};
}

}  // namespace

link_stream::link_stream(event_loop& loop, stream_user& user, std::unique_ptr<stream_cipher> cipher)
    : loop_{loop}, user_{user}, cipher_{std::move(cipher)} {}

link_stream::~link_stream() {
  close();
}

std::optional<stream_failure> link_stream::dial(const endpoint& peer, const std::string& from_host,
                                                milliseconds user_timeout) {
  const auto to = resolve(peer);
  if (!to)
    return stream_failure{stream_end::broken, to.error().what};
  descriptor_ = ::socket(to->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0)
    return failure_of(errno);
  if (!from_host.empty()) {
    const auto from = resolve({from_host, 0});
    const bool binds = from && !from->is_wildcard() && from->family() == to->family();
    const int one = 1;
    ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (!from || (binds && ::bind(descriptor_, from->get(), from->length) != 0)) {
      auto why = from ? error_text(errno) : from.error().what;
      close();
      return stream_failure{stream_end::broken, "cannot dial from " + from_host + ": " + why};
    }
  }
  connecting_ = true;
  if (::connect(descriptor_, to->get(), to->length) != 0 && errno != EINPROGRESS) {
    const int problem = errno;
    close();
    return failure_of(problem);
  }
  return watch(user_timeout);
}

std::optional<stream_failure> link_stream::adopt(int descriptor, milliseconds user_timeout) {
  descriptor_ = descriptor;
  writable_ = true;
  open_ = cipher_ == nullptr || cipher_->established();
  return watch(user_timeout);
}

std::optional<stream_failure> link_stream::watch(milliseconds user_timeout) {
  const int one = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const auto timeout = static_cast<unsigned>(user_timeout.count());
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &max_kernel_unsent, sizeof max_kernel_unsent);
  if (const auto watched = loop_.watch(descriptor_, EPOLLIN | EPOLLOUT | EPOLLRDHUP, *this); !watched) {
    close();
    return stream_failure{stream_end::broken, watched.error().what};
  }
  return std::nullopt;
}

void link_stream::close() noexcept {
  if (descriptor_ >= 0)
    ::close(detach());
}

int link_stream::detach() noexcept {
  if (std::exchange(batch_end_pending_, false))
    loop_.cancel_batch_end(*this);
  loop_.unwatch(descriptor_, *this);
  open_ = connecting_ = false;
  return std::exchange(descriptor_, -1);
}

void link_stream::fail(stream_end end, std::string detail) {
  if (descriptor_ < 0)
    return;
  close();
  user_.on_stream_closed({end, std::move(detail)});
}

void link_stream::fail_errno(int problem) {
  fail(end_of(problem), error_text(problem));
}

void link_stream::at_batch_end() {
  if (descriptor_ < 0 || batch_end_pending_)
    return;
  loop_.at_batch_end(*this);
  batch_end_pending_ = true;
}

void link_stream::want_write() {
  if (writable_)
    at_batch_end();
}

void link_stream::give_way() {
  gave_way_ = true;
  at_batch_end();
}

void link_stream::close_when_sent() {
  closing_ = true;
  want_write();
}

void link_stream::on_ready(std::uint32_t events) {
  if (connecting_)
    return finish_connect();
  if ((events & EPOLLOUT) != 0 && !std::exchange(writable_, true))
    at_batch_end();
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    ended_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    read_some();
}

void link_stream::finish_connect() {
  int problem = 0;
  socklen_t length = sizeof problem;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &problem, &length);
  if (problem != 0)
    return fail_errno(problem);
  connecting_ = false;
  writable_ = true;
  if (cipher_ == nullptr)
    opened();
  at_batch_end();
  read_some();  // the event may have told of bytes too
}

void link_stream::opened() {
  open_ = true;
  user_.on_stream_open();
  at_batch_end();
}

void link_stream::on_batch_end() {
  batch_end_pending_ = false;
  if (std::exchange(gave_way_, false))
    user_.on_stream_turn();
  if (!gave_way_ && std::exchange(read_waits_, false))
    read_some();
  if (descriptor_ >= 0)
    flush();
}

void link_stream::read_some() {
  for (int reads = 0; descriptor_ >= 0; ++reads) {
    if (gave_way_ || reads == max_reads_in_a_row) {
      read_waits_ = true;
      return at_batch_end();
    }
    const auto room = loop_.read_buffer();
    const auto got = direct_recv(descriptor_, room.data(), room.size());
    if (got > 0) {
      if (counts_ != nullptr)
        counts_->bytes_in.add(static_cast<std::uint64_t>(got));
      take({room.data(), static_cast<std::size_t>(got)});
      // An edge: less than asked for means that the kernel has no more, unless the end is near.
      if (static_cast<std::size_t>(got) < room.size() && !ended_)
        return;
    } else if (got == 0) {
      return fail(stream_end::closed, "the peer closed the connection");
    } else if (errno != EINTR) {
      return errno == EAGAIN ? void() : fail_errno(errno);
    }
  }
}

void link_stream::take(std::string_view bytes) {
  if (cipher_ == nullptr)
    user_.on_stream_bytes(bytes);
  else
    decrypt(bytes);
}

void link_stream::decrypt(std::string_view ciphertext) {
  auto done = cipher_->feed(ciphertext);
  if (done)
    done = cipher_->take_plaintext(decrypted_);
  if (!cipher_->output().empty())
    at_batch_end();
  if (done && !open_ && cipher_->established())
    opened();
  if (has_socket() && !decrypted_.empty())
    user_.on_stream_bytes(decrypted_.view());
  decrypted_.clear();
  if (decrypted_.capacity() > max_idle_bytes)
    decrypted_.release();
  if (!done && has_socket()) {
    open_ = false;
    flush();  // the alert that tells the peer why
    fail(stream_end::broken, done.error().what);
  }
}

std::string_view link_stream::unsent() const noexcept {
  return cipher_ == nullptr ? out_.view().substr(sent_) : cipher_->output();
}

void link_stream::flush() {
  for (int sends = 0; writable_ && has_socket(); ++sends) {
    if (sends == max_sends_in_a_row)
      return at_batch_end();
    if (unsent().empty() && !refill())
      break;
    if (!send_once())
      return;
  }
  if (has_socket() && closing_ && unsent().empty()) {
    ::shutdown(descriptor_, SHUT_WR);
    fail(stream_end::closed, "closed after its last word");
  }
}

/// @returns whether there is something to send.
bool link_stream::refill() {
  sent_ = 0;
  if (out_.capacity() > max_idle_bytes)
    out_.release();
  out_.clear();
  if (!open_)
    return false;
  user_.on_stream_pull(out_, max_out_bytes);
  if (!has_socket() || out_.empty())
    return false;
  if (cipher_ == nullptr)
    return true;
  unreported_ = out_.size();
  const auto done = cipher_->write(out_.view());
  out_.clear();
  if (!done)
    fail(stream_end::broken, done.error().what);
  return has_socket();
}

/// @returns false when the kernel takes no more for now, or the stream ended.
bool link_stream::send_once() {
  const auto bytes = unsent();
  const auto sent = direct_send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    count_written(static_cast<std::size_t>(sent));
    return has_socket();
  }
  if (errno == EINTR)
    return true;
  writable_ = false;
  // What the peer sent before it closed is read first; the end shows there.
  if (errno != EAGAIN && errno != EPIPE && errno != ECONNRESET)
    fail_errno(errno);
  return false;
}

void link_stream::count_written(std::size_t sent) {
  if (counts_ != nullptr)
    counts_->bytes_out.add(sent);
  auto plain = sent;
  if (cipher_ == nullptr) {
    sent_ += sent;
  } else {
    cipher_->consume_output(sent);
    // A record that has left in part cannot be read, but which of the batch have left whole is not known here.
    plain = std::exchange(unreported_, 0);
  }
  if (plain != 0)
    user_.on_stream_written(plain);
}

}  // namespace troupe::actors
