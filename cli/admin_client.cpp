#include "cli/admin_client.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// A refusal as http/admin_answers writes it; anything else comes from a stranger.
admin_failure refusal_of(const std::string& url, unsigned status, const json& body) {
  admin_failure failure;
  const auto error = body.is_object() ? body.find("error") : body.end();
  if (!body.is_object() || error == body.end() || !error->is_object()) {
    failure.code = to_string(errc::io);
    failure.message = "what answers at " + url + " is no troupe node: it said " + std::to_string(status);
    return failure;
  }
  failure.code = error->value("code", "unknown");
  failure.message = error->value("message", "the node answered " + std::to_string(status) + " without a reason");
  if (const auto missing = error->find("missing"); missing != error->end() && missing->is_array())
    for (const auto& text : *missing)
      if (digest blob; text.is_string() && parse_digest(text.get_ref<const std::string&>(), blob))
        failure.missing.push_back(blob);
  return failure;
}

}  // namespace

admin_failure failure_of(const error& why) {
  return {std::string{to_string(why.code)}, why.what, {}, why.code == errc::bad_usage};
}

admin_client::admin_client(std::string url, http::server_address address)
    : url_{std::move(url)}, http_{std::move(address), {}} {}

admin_result<admin_client> admin_client::open(const std::string& url) {
  auto address = http::parse_server_address(url);
  if (!address) {
    address.error().what = "--admin: " + address.error().what;
    return tl::unexpected{failure_of(address.error())};
  }
  return admin_client{url, std::move(*address)};
}

admin_result<json> admin_client::ask(std::string_view method, std::string_view path, std::string_view type,
                                     std::string_view body) {
  const auto answer = http_.send(method, path, type, body);
  if (!answer) {
    auto failure = failure_of(answer.error());
    if (answer.error().code == errc::unavailable)
      failure.message =
          "cannot reach the node at " + url_ + ": " + answer.error().what + "; is `troupe serve` running?";
    else
      failure.message = "the node at " + url_ + ": " + answer.error().what;
    return tl::unexpected{std::move(failure)};
  }
  auto parsed = json::parse(answer->body, nullptr, false);
  if (answer->status < 200 || answer->status >= 300 || !parsed.is_object())
    return tl::unexpected{refusal_of(url_, answer->status, parsed)};
  return parsed;
}

admin_result<json> admin_client::get(std::string_view path) {
  return ask("GET", path, {}, {});
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
