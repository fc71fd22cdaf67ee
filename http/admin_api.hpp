// troupe's own API on the admin port, version 1 (docs/admin-api.md): who may ask (admin_origin), what is asked (here
// and admin_deployment), what is answered (admin_answers). Pure: no sockets, no actors; the node does the work.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "http/admin_answers.hpp"
#include "http/admin_deployment.hpp"
#include "http/admin_origin.hpp"

namespace troupe::http {

struct ask_missing_blobs {
  std::vector<digest> digests;  ///< at most 100,001, each once
};

/// The request's body is the blob.
struct store_blob {
  digest sha256;
};

struct list_functions {};
struct describe_function {
  std::string name;
};
struct remove_function {
  std::string name;
};
struct read_logs {
  std::string name;
};
struct download_code {
  std::string name;
};
struct list_routes {};
struct describe_node {};
struct list_nodes {};
struct remove_node {
  std::string name;
};
struct read_events {};
struct back_up_store {};
struct show_settings {};
struct reload_settings {};
struct move_store {
  std::string to;  ///< name of the node that becomes the primary
};

using admin_request = std::variant<ask_missing_blobs, store_blob, deploy_function, list_functions, describe_function,
                                   remove_function, read_logs, download_code, list_routes, describe_node, list_nodes,
                                   remove_node, read_events, back_up_store, move_store, show_settings, reload_settings>;

struct admin_refusal {
  unsigned status = 400;
  error why;
  std::string allow;  ///< value of the `allow` field of a 405, else empty
};

/// For a method that a path does not have. @param allow  those that it has, as in the field of that name.
admin_refusal not_allowed(std::string_view method, std::string allow);

/// @param path  of the target, without query.
tl::expected<admin_request, admin_refusal> parse_admin_request(std::string_view method, std::string_view path,
                                                               std::string_view body);

}  // namespace troupe::http
