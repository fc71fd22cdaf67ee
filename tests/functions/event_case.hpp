// A request and its invocation, put together field by field, and the event that becomes of them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "functions/event.hpp"

namespace troupe::functions {

/// Views given to it must outlive it.
struct event_case {
  std::shared_ptr<http_request> request = std::make_shared<http_request>();
  invocation call;
  std::string_view stage = "$default";
  milliseconds wall{1'583'348'638'390};

  explicit event_case(std::string_view target = "/") {
    request->method = "GET";
    request->target = target;
    request->path = target.substr(0, target.find('?'));
    if (const auto mark = target.find('?'); mark != target.npos)
      request->query = target.substr(mark + 1);
    request->peer_address = "192.0.2.1";
    request->local_port = 8080;
    call.request_id = make_request_id();
    call.route_key = std::make_shared<const std::string>("GET /pets/{id}");
    call.request = request;
  }

  event_case& field(std::string_view name, std::string_view value) {
    request->fields.push_back({name, value});
    return *this;
  }
  event_case& body(std::string_view bytes) {
    request->body.append(bytes);
    return *this;
  }

  std::string text() const {
    buffer out;
    append_event(out, call, {.wall = wall, .trace = trace_id{call, wall}, .stage = stage});
    return std::string{out.view()};
  }
  /// Throws, and so fails the test, when the event is no JSON.
  nlohmann::json json() const { return nlohmann::json::parse(text()); }
};

}  // namespace troupe::functions
