// Keeps web pages away from the admin port: a page on the developer's machine could otherwise deploy code (RULES:
// Edge).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/errc.hpp"

namespace troupe::http {

/// For every request of the admin port, before anything else is looked at. Fields as sent, empty when absent.
/// @param host           must be a loopback address, `localhost` or one of `allowed_names`, with or without a port: a
/// page
///                       that makes its own name resolve to this machine sends that name.
/// @param origin         must be absent or this very port's: a browser sends it with everything that can change
/// something.
/// @param allowed_names  configured host names or addresses, without port.
/// @returns `errc::refused` with the reason, to be answered with 403.
expected<void> check_admin_origin(std::string_view host, std::string_view origin,
                                  std::span<const std::string> allowed_names);

}  // namespace troupe::http
