#include "cli/admin_client.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "config/text.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// A refusal as http/admin_answers writes it, or as a node does that has no room for a connection; anything else comes
/// from a stranger.
admin_failure refusal_of(const std::string& url, const http::client_response& answer, const json& body) {
  admin_failure failure;
  const auto status = std::to_string(answer.status);
  const auto error = body.is_object() ? body.find("error") : body.end();
  if (!body.is_object() || error == body.end() || !error->is_object()) {
    const bool busy = answer.field("x-troupe-error") == to_string(errc::overloaded);
    failure.code = to_string(busy ? errc::overloaded : errc::io);
    failure.message = busy ? "the node at " + url + " has no room for another connection; try again"
                           : "what answers at " + url + " is no troupe node: it said " + status;
    return failure;
  }
  failure.code = error->value("code", "unknown");
  failure.message = error->value("message", "the node answered " + status + " without a reason");
  if (const auto missing = error->find("missing"); missing != error->end() && missing->is_array())
    for (const auto& text : *missing)
      if (digest blob; text.is_string() && parse_digest(text.get_ref<const std::string&>(), blob))
        failure.missing.push_back(blob);
  if (const auto faults = error->find("faults"); faults != error->end() && faults->is_array())
    for (const auto& fault : *faults)
      if (fault.is_object())
        failure.faults.push_back(fault.value("message", ""));
  return failure;
}

/// A refusal of the Lambda API: the kind in a header, the words in a member that is spelled in two ways.
admin_failure lambda_refusal_of(const std::string& url, const http::client_response& answer) {
  const auto body = json::parse(answer.body, nullptr, false);
  admin_failure failure;
  const auto kind = answer.field("x-amzn-errortype");
  if (kind.empty() || !body.is_object())
    return refusal_of(url, answer, body);
  failure.code = kind.substr(0, kind.find(':'));
  for (const auto* name : {"message", "Message"})
    if (const auto words = body.find(name); words != body.end() && words->is_string())
      failure.message = words->get<std::string>();
  failure.message = failure.code + (failure.message.empty() ? "" : ": ") + failure.message;
  return failure;
}

}  // namespace

admin_failure failure_of(const error& why) {
  return {std::string{to_string(why.code)}, why.what, {}, why.code == errc::bad_usage};
}

admin_client::admin_client(std::string url, http::server_address address, http::blocking_client::limits bounds)
    : url_{std::move(url)}, http_{std::move(address), bounds} {}

admin_result<admin_client> admin_client::open(const std::string& url, http::blocking_client::limits bounds) {
  auto address = http::parse_server_address(url);
  if (!address) {
    address.error().what = "--admin: " + address.error().what;
    return tl::unexpected{failure_of(address.error())};
  }
  return admin_client{url, std::move(*address), bounds};
}

admin_result<http::client_response> admin_client::exchange(std::string_view method, std::string_view path,
                                                           std::string_view type, std::string_view body,
                                                           const http::client_fields& more) {
  auto answer = http_.send(method, path, type, body, more);
  if (answer)
    return std::move(*answer);
  auto failure = failure_of(answer.error());
  if (answer.error().code == errc::unavailable)
    failure.message = "cannot reach the node at " + url_ + ": " + answer.error().what +
                      "; start one with `troupe serve`, or name another with --admin URL";
  else
    failure.message = "the node at " + url_ + ": " + answer.error().what;
  return tl::unexpected{std::move(failure)};
}

admin_result<json> admin_client::ask(std::string_view method, std::string_view path, std::string_view type,
                                     std::string_view body, answer_form form) {
  const auto answer = exchange(method, path, type, body);
  if (!answer)
    return tl::unexpected{answer.error()};
  auto parsed = json::parse(answer->body, nullptr, false);
  if (answer->status < 200 || answer->status >= 300 ||
      !(form == answer_form::list ? parsed.is_array() : parsed.is_object()))
    return tl::unexpected{refusal_of(url_, *answer, parsed)};
  return parsed;
}

admin_result<invocation_answer> admin_client::invoke(std::string_view name, std::string_view payload, tail_mode tail) {
  http::client_fields fields{{"x-amz-invocation-type", "RequestResponse"}};
  if (tail == tail_mode::log)
    fields.emplace_back("x-amz-log-type", "Tail");
  const auto path = "/2015-03-31/functions/" + std::string{name} + "/invocations";
  auto answer = exchange("POST", path, "application/json", payload, fields);
  if (!answer)
    return tl::unexpected{answer.error()};
  if (answer->status != 200)
    return tl::unexpected{lambda_refusal_of(url_, *answer)};
  invocation_answer result;
  result.function_error = answer->field("x-amz-function-error");
  result.executed_version = answer->field("x-amz-executed-version");
  result.log_tail = base64_decode(answer->field("x-amz-log-result")).value_or("");
  result.payload = std::move(answer->body);
  return result;
}

admin_result<json> admin_client::get(std::string_view path) {
  return ask("GET", path, {}, {});
}
admin_result<json> admin_client::get_list(std::string_view path) {
  return ask("GET", path, {}, {}, answer_form::list);
}
admin_result<std::string> admin_client::get_bytes(std::string_view path) {
  auto answer = exchange("GET", path, {}, {});
  if (!answer)
    return tl::unexpected{answer.error()};
  if (answer->status != 200)
    return tl::unexpected{refusal_of(url_, *answer, json::parse(answer->body, nullptr, false))};
  return std::move(answer->body);
}
admin_result<json> admin_client::post(std::string_view path, const json& body) {
  return ask("POST", path, "application/json", body.dump());
}
admin_result<json> admin_client::put(std::string_view path, const json& body) {
  return ask("PUT", path, "application/json", body.dump());
}
admin_result<json> admin_client::put_bytes(std::string_view path, std::string_view body) {
  return ask("PUT", path, "application/octet-stream", body);
}
admin_result<json> admin_client::remove(std::string_view path) {
  return ask("DELETE", path, {}, {});
}

}  // namespace troupe::cli
