// Talks to a node's admin port (docs/admin-api.md) for the commands: JSON in, JSON out, and errors in words that say
// what to do. Blocking.
#pragma once

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
  std::string code;             ///< an errc by name, of the node or of this program
  std::string message;          ///< one line for humans
  std::vector<digest> missing;  ///< blobs that the node wants first; empty for everything else
  bool usage = false;           ///< the command line is at fault
};

admin_failure failure_of(const error& why);

template <class T>
using admin_result = tl::expected<T, admin_failure>;

class admin_client {
public:
  /// @returns a failure of usage when `url` is no URL of a node. Connects with the first request only.
  static admin_result<admin_client> open(const std::string& url);

  admin_result<nlohmann::ordered_json> get(std::string_view path);
  admin_result<nlohmann::ordered_json> post(std::string_view path, const nlohmann::ordered_json& body);
  admin_result<nlohmann::ordered_json> put(std::string_view path, const nlohmann::ordered_json& body);
  admin_result<nlohmann::ordered_json> put_bytes(std::string_view path, std::string_view body);
  admin_result<nlohmann::ordered_json> remove(std::string_view path);

  /// Called a few times a second while the node works on a request.
  void on_wait(std::function<void()> tick) { http_.on_wait(std::move(tick)); }

private:
  admin_client(std::string url, http::server_address address);
  admin_result<nlohmann::ordered_json> ask(std::string_view method, std::string_view path, std::string_view type,
                                           std::string_view body);

  std::string url_;
  http::blocking_client http_;
};

}  // namespace troupe::cli
