#include "http/admin_origin.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "config/text.hpp"

namespace troupe::http {

namespace {

struct host_port {
  std::string name;  ///< without brackets
  bool bracketed = false;
};

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == text.npos;
}

/// @returns an empty name when the field is malformed.
host_port split(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == host.npos)
      return {};
    const auto rest = host.substr(end + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1))))
      return {};
    return {std::string{host.substr(1, end - 1)}, true};
  }
  const auto colon = host.find(':');
  if (colon != host.npos && !is_port(host.substr(colon + 1)))
    return {};
  return {std::string{host.substr(0, colon)}, false};
}

bool is_loopback(const host_port& host) {
  if (host.bracketed) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.name.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
  }
  in_addr address{};
  return ::inet_pton(AF_INET, host.name.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET;
}

}  // namespace

expected<void> check_admin_origin(std::string_view host, std::string_view origin,
                                  std::span<const std::string> allowed_names) {
  const auto name = split(host);
  const bool known = is_loopback(name) || iequals(name.name, "localhost") ||
                     std::any_of(allowed_names.begin(), allowed_names.end(),
                                 [&](const auto& allowed) { return iequals(name.name, allowed); });
  if (name.name.empty() || !known)
    return fail(errc::refused, "the admin port answers only to loopback addresses, localhost and configured names");
  const auto own = [&](std::string_view scheme) {
    return origin.size() == scheme.size() + host.size() && origin.starts_with(scheme) &&
           iequals(origin.substr(scheme.size()), host);
  };
  if (!origin.empty() && !own("http://") && !own("https://"))
    return fail(errc::refused, "the admin port does not answer to web pages of another origin");
  return {};
}

}  // namespace troupe::http
