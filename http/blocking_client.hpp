// A synchronous HTTP/1.1 client for the command line and for tests: one connection, one request at a time, every wait
// bounded. Not for anything that runs on a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::http {

/// `http://HOST[:PORT]` taken apart.
struct server_address {
  std::string host;  ///< name or address, IPv6 without brackets
  std::string port = "80";

  std::string authority() const;  ///< for the `host` field
};

/// Accepts `http://HOST[:PORT][/]` and `HOST:PORT`.
/// @returns `errc::bad_usage` quoting the URL.
expected<server_address> parse_server_address(std::string_view url);

/// Names and values of header fields.
using client_fields = std::vector<std::pair<std::string, std::string>>;

struct client_response {
  unsigned status = 0;
  std::string body;
  client_fields fields;

  /// The first field of that name in any case; empty without one.
  std::string_view field(std::string_view name) const noexcept;
};

class blocking_client {
public:
  struct limits {
    milliseconds connect_timeout{5'000};
    milliseconds progress_timeout{30'000};  ///< sending or receiving without a byte moving
    milliseconds answer_timeout{120'000};   ///< from the end of the request to the first byte of the answer
    std::uint64_t max_response_bytes = 64ull * 1024 * 1024;
  };

  blocking_client(server_address server, limits bounds);
  ~blocking_client();
  blocking_client(blocking_client&&) noexcept;
  blocking_client& operator=(blocking_client&&) noexcept;

  /// Called a few times a second while a request waits; for progress lines.
  void on_wait(std::function<void()> tick);

  /// Sends one request and reads its whole answer, whatever the status. Keeps the connection. If a kept one ends without
  /// an answer, the request is sent once more, unless it is a POST: that may have run.
  /// @param more  fields besides host, user-agent, accept and those of the body; must be valid as they are.
  /// @returns `errc::unavailable` when no connection can be made, `errc::budget_spent` when a limit of time passed,
  /// `errc::too_big` for an answer above the limit, else `errc::io`. Messages are the system's words, without the URL.
  expected<client_response> send(std::string_view method, std::string_view target, std::string_view content_type,
                                 std::string_view body, const client_fields& more = {});

private:
  struct connection;
  std::unique_ptr<connection> connection_;
};

}  // namespace troupe::http
