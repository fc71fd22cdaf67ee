#include "config/setting_values.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace troupe {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// From large to small: the first that divides a value without a rest prints it.
constexpr std::array<unit, 4> time_units = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<unit, 8> size_units = {{{"GiB", 1ULL << 30},
                                             {"GB", 1'000'000'000},
                                             {"MiB", 1ULL << 20},
                                             {"MB", 1'000'000},
                                             {"KiB", 1ULL << 10},
                                             {"KB", 1000},
                                             {"B", 1},
                                             {"", 1}}};

std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const unit> units, std::uint64_t most) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  if (!number)
    return std::nullopt;
  for (const auto& [name, factor] : units)
    if (text.substr(digits) == name)
      return *number <= most / factor ? std::optional{*number * factor} : std::nullopt;
  return std::nullopt;
}

template <class Address>
bool is_address(int family, const std::string& text) noexcept {
  Address address;
  return text.find('\0') == text.npos && ::inet_pton(family, text.c_str(), &address) == 1;
}

}  // namespace

std::string to_string(const endpoint& where) {
  const bool v6 = where.host.find(':') != std::string::npos;
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.size() - colon > 6)
    return std::nullopt;
  const auto port = parse_count(text.substr(colon + 1));
  if (!port || *port > 65535)
    return std::nullopt;
  std::string host{text.substr(0, colon)};
  if (host == "localhost")
    host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_address<in6_addr>(AF_INET6, host))
      return std::nullopt;
  } else if (!is_address<in_addr>(AF_INET, host)) {
    return std::nullopt;
  }
  return endpoint{std::move(host), static_cast<std::uint16_t>(*port)};
}

bool is_loopback(const endpoint& where) noexcept {
  in6_addr v6;
  if (::inet_pton(AF_INET6, where.host.c_str(), &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6);
  return where.host.starts_with("127.");
}

bool is_wildcard(const endpoint& where) noexcept {
  in6_addr v6;
  if (::inet_pton(AF_INET6, where.host.c_str(), &v6) == 1)
    return IN6_IS_ADDR_UNSPECIFIED(&v6);
  return where.host == "0.0.0.0";
}

std::optional<std::uint64_t> parse_count(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<milliseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0")
    return milliseconds{0};
  const auto value = parse_with_unit(text, time_units, std::numeric_limits<std::int64_t>::max());
  return value ? std::optional{milliseconds{static_cast<std::int64_t>(*value)}} : std::nullopt;
}

std::string duration_text(milliseconds length) {
  const auto value = static_cast<std::uint64_t>(length.count());
  for (const auto& [name, factor] : time_units)
    if (value != 0 && value % factor == 0)
      return std::to_string(value / factor).append(name);
  return "0";
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  return parse_with_unit(text, size_units, std::numeric_limits<std::uint64_t>::max());
}

std::string bytes_text(std::uint64_t size) {
  for (const auto& [name, factor] : size_units)
    if (factor > 1 && size != 0 && size % factor == 0)
      return std::to_string(size / factor).append(name);
  return std::to_string(size);
}

}  // namespace troupe
