// Talks to a node's admin port (docs/admin-api.md) for the commands: JSON in, JSON out, and errors in words that say
// what to do. Blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "http/blocking_client.hpp"

namespace troupe::cli {

/// Why a request came to nothing: the node refused it, or there was no node to ask.
struct admin_failure {
  std::string code;                   ///< an errc by name, of the node or of this program
  std::string message;                ///< one line for humans
  std::vector<digest> missing;        ///< blobs that the node wants first; empty for everything else
  bool usage = false;                 ///< the command line is at fault
  std::vector<std::string> faults{};  ///< of a settings file that the node refused, a line each
};

admin_failure failure_of(const error& why);

template <class T>
using admin_result = tl::expected<T, admin_failure>;

/// What a function answered to an invocation.
struct invocation_answer {
  std::string payload;           ///< the handler's bytes, or the error in Lambda's form
  std::string function_error;    ///< `Unhandled` when the function failed, else empty
  std::string executed_version;  ///< `$LATEST` or a number
  std::string log_tail;          ///< the last 4 KB of its log, if asked for
};

enum class tail_mode : std::uint8_t { none, log };

class admin_client {
public:
  /// @param bounds  of each request.
  /// @returns a failure of usage when `url` is no URL of a node. Connects with the first request only.
  static admin_result<admin_client> open(const std::string& url, http::blocking_client::limits bounds = {});

  admin_result<nlohmann::ordered_json> get(std::string_view path);
  /// As `get`, of what is answered with a list.
  admin_result<nlohmann::ordered_json> get_list(std::string_view path);
  /// As `get`, of what is no JSON document.
  admin_result<std::string> get_bytes(std::string_view path);
  admin_result<nlohmann::ordered_json> post(std::string_view path, const nlohmann::ordered_json& body);
  admin_result<nlohmann::ordered_json> put(std::string_view path, const nlohmann::ordered_json& body);
  admin_result<nlohmann::ordered_json> put_bytes(std::string_view path, std::string_view body);
  admin_result<nlohmann::ordered_json> remove(std::string_view path);

  /// Runs a function once. On a fresh client only: on a kept connection a request may be sent twice.
  /// @param name  checked before. @param payload  JSON.
  admin_result<invocation_answer> invoke(std::string_view name, std::string_view payload, tail_mode tail);

  /// Called a few times a second while the node works on a request.
  void on_wait(std::function<void()> tick) { http_.on_wait(std::move(tick)); }

private:
  enum class answer_form : std::uint8_t { object, list };

  admin_client(std::string url, http::server_address address, http::blocking_client::limits bounds);
  admin_result<http::client_response> exchange(std::string_view method, std::string_view path, std::string_view type,
                                               std::string_view body, const http::client_fields& more = {});
  admin_result<nlohmann::ordered_json> ask(std::string_view method, std::string_view path, std::string_view type,
                                           std::string_view body, answer_form form = answer_form::object);

  std::string url_;
  http::blocking_client http_;
};

}  // namespace troupe::cli
