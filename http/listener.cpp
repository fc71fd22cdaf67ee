#include "http/listener.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "actors/socket_address.hpp"
#include "config/log.hpp"
#include "http/edge.hpp"
#include "http/responses.hpp"

namespace troupe::http {

namespace {

/// Accepts before the connections of the loop have their turn.
constexpr int max_accepts_in_a_row = 128;

/// What a connection would answer that is one too many, for a client that there can be no connection for.
std::string busy_answer(error_mode errors) {
  const auto refused = error_reply(errc::overloaded, errors);
  const auto body = refused.body_view();
  return "HTTP/1.1 " + std::to_string(refused.status) + " " + std::string{reason_phrase(refused.status)} + "\r\n" +
         refused.fields + "content-length: " + std::to_string(body.size()) + "\r\nconnection: close\r\n\r\n" +
         std::string{body};
}

}  // namespace

expected<std::vector<int>> open_listeners(const endpoint& address, unsigned count, endpoint& bound) {
  auto where = actors::resolve(address);
  if (!where)
    return tl::unexpected{where.error()};
  const int alone = actors::open_listening(*where, actors::port_use::exclusive);
  if (alone < 0)
    return actors::cannot_listen(address, errno);
  ::getsockname(alone, where->get(), &where->length);
  bound = where->where();
  ::close(alone);
  std::vector<int> result;
  for (unsigned i = 0; i < count; ++i) {
    const int descriptor = actors::open_listening(*where, actors::port_use::shared);
    if (descriptor < 0) {
      const int problem = errno;
      for (const int opened : result)
        ::close(opened);
      return actors::cannot_listen(address, problem);
    }
    result.push_back(descriptor);
  }
  return result;
}

listener::listener(edge& target, int descriptor, std::uint16_t port)
    : edge_{target}, descriptor_{descriptor}, reserve_{::open("/dev/null", O_RDONLY | O_CLOEXEC)}, port_{port} {}

listener::~listener() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
  if (reserve_ >= 0)
    ::close(reserve_);
}

void listener::start() {
  last_accepted_ = edge_.loop().now();
  edge_.loop().add_tick(*this);
  if (const auto watched = edge_.loop().watch(descriptor_, EPOLLIN, *this); !watched)
    log_event(log_level::error, "listener_failed", {{"reason", watched.error().what}});
}

void listener::on_ready(std::uint32_t) {
  accept_all();
}

void listener::on_batch_end() {
  resuming_ = false;
  accept_all();
}

void listener::on_tick(time_point) {
  if (std::exchange(paused_, false))
    accept_all();
}

void listener::accept_all() {
  for (int accepts = 0;; ++accepts) {
    if (accepts == max_accepts_in_a_row) {
      if (!std::exchange(resuming_, true))
        edge_.loop().at_batch_end(*this);
      return;
    }
    actors::socket_address peer;
    peer.length = sizeof peer.storage;
    const int accepted = ::accept4(descriptor_, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO)
        continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        on_exhausted();
      else if (errno != EAGAIN)
        paused_ = true;  // the network below is in trouble: the next tick tries again
      return;
    }
    const int one = 1;
    ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    last_accepted_ = edge_.loop().now();
    edge_.adopt(accepted, peer.host(), port_);
  }
}

void listener::on_exhausted() {
  // The client in front of the queue is told; the others wait for the next tick, when descriptors may be free again.
  if (edge_.budget().without_descriptors.begins(edge_.loop().now()))
    log_event(log_level::warning, "descriptors_exhausted",
              {{"port", std::to_string(port_)}, {"reason", std::strerror(errno)}});
  ::close(reserve_);
  if (const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); accepted >= 0) {
    edge_.budget().count(turn_away::descriptors);
    const auto busy = busy_answer(edge_.options().errors);
    if (::send(accepted, busy.data(), busy.size(), MSG_NOSIGNAL) > 0)
      ::shutdown(accepted, SHUT_WR);
    ::close(accepted);
  }
  reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  paused_ = true;
}

void listener::refuse_handshakes() {
  // Closing a listener resets the connections that the kernel has completed and nobody has accepted. So first drop each
  // SYN (TCP flags at byte 13: SYN without ACK); handshakes under way complete and are accepted before the close.
  static sock_filter program[] = {
      {BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},    {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x12},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02}, {BPF_RET | BPF_K, 0, 0, 0},
      {BPF_RET | BPF_K, 0, 0, 0xffffffff},
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  // Without the filter (a kernel without it) a handshake of the last moment may be reset; nothing else changes.
  if (::setsockopt(descriptor_, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    log_event(log_level::warning, "handshake_filter_refused", {{"reason", std::strerror(errno)}});
}

void listener::stop() {
  if (descriptor_ < 0)
    return;
  do
    accept_all();
  while (std::exchange(resuming_, false));
  edge_.loop().cancel_batch_end(*this);
  edge_.loop().remove_tick(*this);
  edge_.loop().unwatch(descriptor_, *this);
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace troupe::http
