// How the values of settings are written: lengths of time, sizes, addresses. Reading and printing agree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/clock.hpp"

namespace troupe {

/// Where to listen or connect: an IP address and a port; port 0 lets the system choose.
struct endpoint {
  std::string host;  ///< IPv4 or IPv6 literal, without brackets
  std::uint16_t port = 0;
  bool operator==(const endpoint&) const = default;
};

/// `127.0.0.1:8080`, `[::1]:8080`
std::string to_string(const endpoint& where);
/// `HOST:PORT` with an IPv4 literal, an IPv6 literal in brackets, or `localhost` (which is 127.0.0.1 here).
std::optional<endpoint> parse_endpoint(std::string_view text);
bool is_loopback(const endpoint& where) noexcept;
/// Whether it means every address of the machine: one to listen on, never one to dial.
bool is_wildcard(const endpoint& where) noexcept;

/// Decimal digits only.
std::optional<std::uint64_t> parse_count(std::string_view text) noexcept;

/// A number and one of `ms`, `s`, `m`, `h`; also a plain `0`.
std::optional<milliseconds> parse_duration(std::string_view text) noexcept;
std::string duration_text(milliseconds length);

/// A number, plain or followed by `B`, `KB`, `MB`, `GB` (powers of 1,000), `KiB`, `MiB`, `GiB` (powers of 1,024).
std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept;
std::string bytes_text(std::uint64_t size);

}  // namespace troupe
