#include "actors/socket_address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace troupe::actors {

namespace {

sockaddr_in& v4(socket_address& address) {
  return reinterpret_cast<sockaddr_in&>(address.storage);
}
const sockaddr_in& v4(const socket_address& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
sockaddr_in6& v6(socket_address& address) {
  return reinterpret_cast<sockaddr_in6&>(address.storage);
}
const sockaddr_in6& v6(const socket_address& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

expected<socket_address> socket_address::of(const endpoint& where) {
  socket_address result;
  if (::inet_pton(AF_INET, where.host.c_str(), &v4(result).sin_addr) == 1) {
    result.storage.ss_family = AF_INET;
    result.length = sizeof(sockaddr_in);
  } else if (::inet_pton(AF_INET6, where.host.c_str(), &v6(result).sin6_addr) == 1) {
    result.storage.ss_family = AF_INET6;
    result.length = sizeof(sockaddr_in6);
  } else {
    return fail(errc::bad_setting, "'" + where.host + "' is neither an IPv4 nor an IPv6 address");
  }
  result.set_port(where.port);
  return result;
}

std::uint16_t socket_address::port() const noexcept {
  return ntohs(storage.ss_family == AF_INET6 ? v6(*this).sin6_port : v4(*this).sin_port);
}

void socket_address::set_port(std::uint16_t port) noexcept {
  (storage.ss_family == AF_INET6 ? v6(*this).sin6_port : v4(*this).sin_port) = htons(port);
}

bool socket_address::is_wildcard() const noexcept {
  if (storage.ss_family == AF_INET)
    return v4(*this).sin_addr.s_addr == INADDR_ANY;
  return std::memcmp(&v6(*this).sin6_addr, &in6addr_any, sizeof(in6_addr)) == 0;
}

}  // namespace troupe::actors
