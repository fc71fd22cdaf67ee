// Plain connections to a port on loopback, as a stranger makes them.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "config/setting_values.hpp"

namespace troupe::tests {

/// @returns the descriptor, or -1.
inline int connect_to(const endpoint& where) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(where.port);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

/// Reads until the other side closes. @returns false when it does not.
inline bool is_closed(int descriptor) {
  char bytes[4096];
  const timeval bound{20, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  for (;;) {
    const auto got = ::recv(descriptor, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      return true;
    if (got < 0)
      return false;
  }
}

}  // namespace troupe::tests
