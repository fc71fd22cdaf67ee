#include "http/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "config/log.hpp"
#include "http/edge.hpp"
#include "http/responses.hpp"

namespace troupe::http {

namespace {

constexpr int backlog = 4096;
/// Accepts before the connections of the loop have their turn.
constexpr int max_accepts_in_a_row = 128;
constexpr std::chrono::minutes report_interval{1};

struct resolved {
  sockaddr_storage address{};
  socklen_t length = 0;
};

expected<resolved> resolve(const endpoint& where) {
  resolved result;
  auto& v4 = reinterpret_cast<sockaddr_in&>(result.address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(result.address);
  if (::inet_pton(AF_INET, where.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(where.port);
    result.length = sizeof v4;
  } else if (::inet_pton(AF_INET6, where.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(where.port);
    result.length = sizeof v6;
  } else {
    return fail(errc::bad_setting, "address '" + to_string(where) + "': the host must be an IP address");
  }
  return result;
}

std::uint16_t port_of(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string host_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  }
  return text;
}

int open_one(const resolved& where, bool shared) {
  const int descriptor = ::socket(where.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  const int one = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (shared)
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&where.address), where.length) == 0 &&
      ::listen(descriptor, backlog) == 0)
    return descriptor;
  const int problem = errno;
  ::close(descriptor);
  errno = problem;
  return -1;
}

}  // namespace

expected<std::vector<int>> open_listeners(const endpoint& address, unsigned count, endpoint& bound) {
  auto where = resolve(address);
  if (!where)
    return tl::unexpected{where.error()};
  const auto refused = [&] {
    return fail(errc::io, "cannot listen on " + to_string(address) + ": " + std::strerror(errno));
  };
  const int alone = open_one(*where, false);
  if (alone < 0)
    return refused();
  ::getsockname(alone, reinterpret_cast<sockaddr*>(&where->address), &where->length);
  bound = {host_of(where->address), port_of(where->address)};
  ::close(alone);
  std::vector<int> result;
  for (unsigned i = 0; i < count; ++i) {
    const int descriptor = open_one(*where, true);
    if (descriptor < 0) {
      const int problem = errno;
      for (const int opened : result)
        ::close(opened);
      errno = problem;
      return refused();
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
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int accepted =
        ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
    edge_.adopt(accepted, host_of(peer), port_);
  }
}

void listener::on_exhausted() {
  // The client in front of the queue is told; the others wait for the next tick, when descriptors may be free again.
  const auto now = edge_.loop().now();
  if (now - reported_at_ > report_interval)
    log_event(log_level::warning, "descriptors_exhausted",
              {{"port", std::to_string(port_)}, {"reason", std::strerror(errno)}});
  if (now - reported_at_ > report_interval)
    reported_at_ = now;
  ::close(reserve_);
  if (const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); accepted >= 0) {
    static constexpr std::string_view busy =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n";
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
