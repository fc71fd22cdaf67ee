// Addresses as the kernel wants them, and listening sockets. IP literals only; no names are looked up.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

struct socket_address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  /// The IP address as text; a v4 address inside v6 as v4.
  std::string host() const;
  std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  int family() const noexcept { return storage.ss_family; }
  /// 0.0.0.0 or ::
  bool is_wildcard() const noexcept;
  endpoint where() const { return {host(), port()}; }
};

/// @returns `errc::bad_setting` when the host is no IP address.
expected<socket_address> resolve(const endpoint& where);

/// `shared`: other sockets of this user may listen at the same address (SO_REUSEPORT).
enum class port_use : std::uint8_t { exclusive, shared };

/// A listening socket that does not block. @returns -1 with `errno` set when the system refuses.
int open_listening(const socket_address& where, port_use use) noexcept;

/// Gives a system error as one line: `cannot listen on 127.0.0.1:80: Permission denied`.
tl::unexpected<error> cannot_listen(const endpoint& address, int problem);

}  // namespace troupe::actors
