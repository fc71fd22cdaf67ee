#include "actors/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace troupe::actors {

namespace {

constexpr int backlog = 4096;

}  // namespace

std::string socket_address::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
      ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    else
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text, sizeof text);
  }
  return text;
}

std::uint16_t socket_address::port() const noexcept {
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

void socket_address::set_port(std::uint16_t port) noexcept {
  (storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                 : reinterpret_cast<sockaddr_in&>(storage).sin_port) = htons(port);
}

bool socket_address::is_wildcard() const noexcept {
  if (storage.ss_family == AF_INET)
    return reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr == INADDR_ANY;
  return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, &in6addr_any, sizeof(in6_addr)) == 0;
}

expected<socket_address> resolve(const endpoint& where) {
  socket_address result;
  auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
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

int open_listening(const socket_address& where, port_use use) noexcept {
  const int descriptor = ::socket(where.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -1;
  const int one = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (use == port_use::shared)
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (::bind(descriptor, where.get(), where.length) == 0 && ::listen(descriptor, backlog) == 0)
    return descriptor;
  const int problem = errno;
  ::close(descriptor);
  errno = problem;
  return -1;
}

tl::unexpected<error> cannot_listen(const endpoint& address, int problem) {
  return fail(errc::io, "cannot listen on " + to_string(address) + ": " + std::strerror(problem));
}

}  // namespace troupe::actors
