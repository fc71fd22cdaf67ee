// An IP address and a port in the form that the kernel takes. Literals only: nothing here asks a name server.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  /// Errors: `bad_setting` when the host is neither an IPv4 nor an IPv6 literal.
  static expected<socket_address> of(const endpoint& where);

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const noexcept { return storage.ss_family; }
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// 0.0.0.0 or ::
  bool is_wildcard() const noexcept;
};

}  // namespace troupe::actors
