#include "http/control_api/lambda_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "config/text.hpp"
#include "http/path_segments.hpp"

namespace troupe::http {

namespace {

/// As much as AWS gives in one page, whatever is asked for.
constexpr std::size_t max_page = 50;
constexpr std::size_t max_max_items = 10'000;
constexpr std::size_t max_tag_keys = 50;

/// A call by method and path; `{}` is a function's name, `{arn}` its ARN.
struct call_shape {
  std::string_view method;
  std::array<std::string_view, 4> path;  ///< shorter ones end in empty views
  lambda_operation operation;
};

using enum lambda_operation;
constexpr std::array calls = {
    call_shape{"POST", {"2015-03-31", "functions"}, create_function},
    call_shape{"GET", {"2015-03-31", "functions"}, list_functions},
    call_shape{"GET", {"2015-03-31", "functions", "{}"}, get_function},
    call_shape{"DELETE", {"2015-03-31", "functions", "{}"}, delete_function},
    call_shape{"GET", {"2015-03-31", "functions", "{}", "configuration"}, get_function_configuration},
    call_shape{"PUT", {"2015-03-31", "functions", "{}", "configuration"}, update_function_configuration},
    call_shape{"PUT", {"2015-03-31", "functions", "{}", "code"}, update_function_code},
    call_shape{"POST", {"2015-03-31", "functions", "{}", "invocations"}, invoke},
    call_shape{"GET", {"2015-03-31", "functions", "{}", "versions"}, list_versions_by_function},
    call_shape{"GET", {"2016-08-19", "account-settings"}, get_account_settings},
    call_shape{"GET", {"2017-03-31", "tags", "{arn}"}, list_tags},
    call_shape{"POST", {"2017-03-31", "tags", "{arn}"}, tag_resource},
    call_shape{"DELETE", {"2017-03-31", "tags", "{arn}"}, untag_resource},
    call_shape{"GET", {"2019-09-30", "functions", "{}", "concurrency"}, get_function_concurrency},
    call_shape{"GET", {"2020-06-30", "functions", "{}", "code-signing-config"}, get_function_code_signing_config},
};

bool fits(const call_shape& shape, std::string_view method, const std::vector<std::string>& segments) {
  if (shape.method != method || segments.size() > shape.path.size())
    return false;
  for (std::size_t i = 0; i < shape.path.size(); ++i) {
    const auto have = i < segments.size() ? std::string_view{segments[i]} : std::string_view{};
    if (shape.path[i].starts_with('{') ? have.empty() : have != shape.path[i])
      return false;
  }
  return true;
}

/// Calls that run a function in a way that is not there yet: a 404 would look as if the function were missing.
lambda_result<void> check_kind_of_invocation(std::string_view method, const std::vector<std::string>& segments) {
  if (method != "POST" || segments.size() != 4 || segments[1] != "functions")
    return {};
  if (segments[0] == "2021-11-15" && segments[3] == "response-streaming-invocations")
    return refuse(invalid_parameter("InvokeWithResponseStream: this node does not stream answers yet"));
  if (segments[0] == "2014-11-13" && segments[3] == "invoke-async")
    return refuse(invalid_parameter("InvokeAsync: this node has no asynchronous invocation (Event) yet"));
  return {};
}

lambda_result<list_page> read_page(const query_parameters& query) {
  list_page page;
  if (const auto items = query.find("MaxItems")) {
    std::size_t count = 0;
    const auto [end, fault] = std::from_chars(items->data(), items->data() + items->size(), count);
    if (fault != std::errc{} || end != items->data() + items->size() || count < 1 || count > max_max_items)
      return refuse(validation_fault(*items, "maxItems", "Member must have a value between 1 and 10000"));
    page.max_items = std::min(count, max_page);
  }
  if (const auto marker = query.find("Marker"); marker && !marker->empty()) {
    const auto name = base64_decode(*marker);
    if (!name || !name->starts_with("after:"))
      return refuse(invalid_parameter("The marker is not one that this call gave"));
    page.after = name->substr(std::string_view{"after:"}.size());
  }
  return page;
}

}  // namespace

bool is_lambda_path(std::string_view path) noexcept {
  return path.starts_with("/20") && path.size() > 11 && path[5] == '-' && path[8] == '-' && path[11] == '/';
}

std::string marker_of(std::string_view function) {
  return base64_encode("after:" + std::string{function});
}

lambda_result<lambda_request> parse_lambda_request(std::string_view method, std::string_view path,
                                                   std::string_view query, const lambda_place& place) {
  auto segments = split_path(path);
  if (segments.size() > 1 && segments.back().empty())
    segments.pop_back();  // older clients end some paths in a slash
  if (auto checked = check_kind_of_invocation(method, segments); !checked)
    return refuse(checked.error());
  const auto shape =
      std::find_if(calls.begin(), calls.end(), [&](const auto& each) { return fits(each, method, segments); });
  if (shape == calls.end())
    return refuse(unknown_operation(method, path));
  lambda_request request{shape->operation, {}, {}, {}};
  const query_parameters parameters{query};
  if (shape->path[2] == "{arn}" && !segments[2].starts_with("arn:"))
    return refuse(validation_fault(segments[2], "resource", "Member must be the ARN of a function"));
  if (!shape->path[2].empty()) {
    auto function = parse_function_reference(segments[2], parameters.find("Qualifier"), place);
    if (!function)
      return refuse(function.error());
    request.function = std::move(*function);
  }
  if (request.operation == list_functions || request.operation == list_versions_by_function) {
    auto page = read_page(parameters);
    if (!page)
      return refuse(page.error());
    request.page = std::move(*page);
  }
  request.tag_keys = parameters.all("tagKeys");
  if (request.operation == untag_resource && (request.tag_keys.empty() || request.tag_keys.size() > max_tag_keys))
    return refuse(invalid_parameter("tagKeys: 1 to 50 keys are expected"));
  return request;
}

}  // namespace troupe::http
