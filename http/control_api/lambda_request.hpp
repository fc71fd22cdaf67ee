// Which call of the AWS Lambda API a request is. Bodies are read elsewhere (lambda_body, lambda_invoke).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/control_api/function_reference.hpp"

namespace troupe::http {

enum class lambda_operation : std::uint8_t {
  create_function,
  list_functions,
  get_function,
  get_function_configuration,
  update_function_code,
  update_function_configuration,
  delete_function,
  invoke,
  get_account_settings,
  list_tags,
  tag_resource,
  untag_resource,
  get_function_code_signing_config,
  get_function_concurrency,
  list_versions_by_function,
};

/// One page of a list.
struct list_page {
  std::string after;  ///< name of the last function of the page before; empty: from the start
  std::size_t max_items = 50;
};

struct lambda_request {
  lambda_operation operation;
  function_reference function;  ///< of all but create, list and account settings
  list_page page;               ///< of lists
  std::vector<std::string> tag_keys;
};

/// Whether a path is one of the Lambda API: they begin with a date.
bool is_lambda_path(std::string_view path) noexcept;

/// @param path, query  raw, of the target.
lambda_result<lambda_request> parse_lambda_request(std::string_view method, std::string_view path,
                                                   std::string_view query, const lambda_place& place);

/// What a caller gives as `Marker` to get what comes after this function.
std::string marker_of(std::string_view function);

}  // namespace troupe::http
