#include "http/admin_api.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "http/object_reader.hpp"
#include "http/path_segments.hpp"

namespace troupe::http {

namespace {

using request_result = tl::expected<admin_request, admin_refusal>;

/// A manifest's own blob and its files.
constexpr std::size_t max_digests = functions::max_package_entries + 1;

tl::unexpected<admin_refusal> refuse(unsigned status, error why) {
  return tl::unexpected<admin_refusal>{{status, std::move(why), {}}};
}
tl::unexpected<admin_refusal> refuse(const error& why) {
  return refuse(why.code == errc::too_big ? 413 : 400, why);
}

expected<void> check_name(std::string name) {
  functions::function_spec spec;
  spec.name = std::move(name);
  spec.kind = functions::runtime_kind::native;
  return functions::check(spec);
}

request_result parse_missing(std::string_view body) {
  const auto parsed = parse_json_body(body);
  if (!parsed)
    return refuse(parsed.error());
  object_reader reader{*parsed, "body"};
  ask_missing_blobs request;
  const auto* list = reader.member("digests");
  if (list == nullptr || !list->is_array() || list->size() > max_digests)
    reader.blame("'digests' is not a list of at most " + std::to_string(max_digests) + " digests");
  else
    for (const auto& text : *list) {
      digest value;
      if (!text.is_string() || !parse_digest(text.get_ref<const std::string&>(), value))
        reader.blame("'digests': 64 hex digits are expected, not " + text.dump().substr(0, 80));
      request.digests.push_back(value);
    }
  if (auto finished = reader.finish(); !finished)
    return refuse(finished.error());
  std::sort(request.digests.begin(), request.digests.end());
  request.digests.erase(std::unique(request.digests.begin(), request.digests.end()), request.digests.end());
  return request;
}

request_result wrong_method(std::string_view method, std::string allow) {
  return tl::unexpected{not_allowed(method, std::move(allow))};
}

request_result parse_function(std::string_view method, const std::string& name, std::string_view body) {
  if (method != "GET" && method != "PUT" && method != "DELETE")
    return wrong_method(method, "GET, PUT, DELETE");
  if (auto checked = check_name(name); !checked)
    return refuse(checked.error());
  if (method == "GET")
    return describe_function{name};
  if (method == "DELETE")
    return remove_function{name};
  auto deployment = parse_deployment(name, body);
  if (!deployment)
    return refuse(deployment.error());
  return std::move(*deployment);
}

request_result parse_store(std::string_view method, const std::string& name) {
  if (method != "PUT")
    return wrong_method(method, "PUT");
  store_blob request;
  if (!parse_digest(name, request.sha256))
    return refuse({errc::bad_usage, "a blob is named by the 64 hex digits of its SHA-256"});
  return request;
}

expected<void> check_node_name(const std::string& name) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  constexpr std::size_t most = 64;
  if (name.empty() || name.size() > most || name.find_first_not_of(allowed) != name.npos)
    return fail(errc::bad_usage, "a node's name is 1 to 64 of A-Z a-z 0-9 . _ -");
  return {};
}

request_result parse_node(std::string_view method, const std::string& name) {
  if (method != "DELETE")
    return wrong_method(method, "DELETE");
  if (auto checked = check_node_name(name); !checked)
    return refuse(checked.error());
  return remove_node{name};
}

request_result parse_move(std::string_view method, std::string_view body) {
  if (method != "POST")
    return wrong_method(method, "POST");
  const auto parsed = parse_json_body(body);
  if (!parsed)
    return refuse(parsed.error());
  object_reader reader{*parsed, "body"};
  move_store request;
  const auto* to = reader.member("to");
  if (to == nullptr || !to->is_string())
    reader.blame("'to' is not the name of a node");
  else if (auto checked = check_node_name(request.to = to->get<std::string>()); !checked)
    reader.blame("'to': " + checked.error().what);
  if (auto finished = reader.finish(); !finished)
    return refuse(finished.error());
  return request;
}

request_result parse_reload(std::string_view method, std::string_view body) {
  if (method != "POST")
    return wrong_method(method, "POST");
  if (body.empty())
    return reload_settings{};
  const auto parsed = parse_json_body(body);
  if (!parsed)
    return refuse(parsed.error());
  object_reader reader{*parsed, "body"};
  if (auto finished = reader.finish(); !finished)
    return refuse(finished.error());
  return reload_settings{};
}

}  // namespace

admin_refusal not_allowed(std::string_view method, std::string allow) {
  auto why = "method " + std::string{method.substr(0, 32)} + " is not allowed here, only " + allow;
  return {405, {errc::bad_usage, std::move(why)}, std::move(allow)};
}

request_result parse_admin_request(std::string_view method, std::string_view path, std::string_view body) {
  const auto get = [&](admin_request request) -> request_result {
    return method == "GET" ? request_result{std::move(request)} : wrong_method(method, "GET");
  };
  const auto at = path.starts_with('/') ? split_path(path) : std::vector<std::string>{};
  const auto is = [&](std::size_t count, std::string_view what) {
    return at.size() == count && at[0] == "v1" && at[1] == what;
  };
  if (is(3, "blobs") && at[2] == "missing")
    return method == "POST" ? parse_missing(body) : wrong_method(method, "POST");
  if (is(3, "blobs"))
    return parse_store(method, at[2]);
  if (is(2, "functions"))
    return get(list_functions{});
  if (is(3, "functions"))
    return parse_function(method, at[2], body);
  if (is(4, "functions") && at[3] == "logs") {
    if (auto checked = check_name(at[2]); !checked)
      return refuse(checked.error());
    return get(read_logs{at[2]});
  }
  if (is(4, "functions") && at[3] == "code") {
    if (auto checked = check_name(at[2]); !checked)
      return refuse(checked.error());
    return get(download_code{at[2]});
  }
  if (is(2, "routes"))
    return get(list_routes{});
  if (is(2, "node"))
    return get(describe_node{});
  if (is(2, "nodes"))
    return get(list_nodes{});
  if (is(3, "nodes"))
    return parse_node(method, at[2]);
  if (is(2, "config"))
    return get(show_settings{});
  if (is(3, "config") && at[2] == "reload")
    return parse_reload(method, body);
  if (is(2, "events"))
    return get(read_events{});
  if (is(3, "store") && at[2] == "backup")
    return get(back_up_store{});
  if (is(3, "store") && at[2] == "move")
    return parse_move(method, body);
  return refuse(404, {errc::no_such_route,
                      "nothing is here; the API has /v1/functions, /v1/routes, /v1/blobs, /v1/node, /v1/nodes, "
                      "/v1/events, /v1/store, /v1/config"});
}

}  // namespace troupe::http
