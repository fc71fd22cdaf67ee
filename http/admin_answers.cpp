#include "http/admin_answers.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/body_text.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

json list_of(std::span<const digest> digests) {
  auto list = json::array();
  for (const auto& value : digests)
    list.push_back(to_string(value));
  return list;
}

json object_of(const cluster::function_record& function, std::span<const cluster::route_record> routes,
               const instance_counts& instances) {
  auto keys = json::array();
  for (const auto& route : routes)
    if (route.function == function.name)
      keys.push_back(route.key);
  auto environment = json::object();
  for (const auto& [name, value] : function.environment)
    environment[name] = value;
  return {{"name", function.name},
          {"version", function.version},
          {"runtime", function.runtime},
          {"handler", function.handler},
          {"form", function.form},
          {"code_sha256", to_string(function.code)},
          {"code_bytes", function.code_bytes},
          {"timeout_ms", function.timeout_ms},
          {"memory_mb", function.memory_mb},
          {"concurrency", function.concurrency},
          {"min_instances", function.min_instances},
          {"max_instances", function.max_instances},
          {"idempotent", function.idempotent},
          {"environment", std::move(environment)},
          {"routes", std::move(keys)},
          {"instances", {{"ready", instances.ready}, {"starting", instances.starting}}},
          {"modified_unix_ms", function.modified_unix_ms}};
}

json object_of(const error& why) {
  return {{"code", to_string(why.code)}, {"message", why.what}};
}

}  // namespace

std::string missing_body(std::span<const digest> missing) {
  return text_of({{"missing", list_of(missing)}});
}

std::string stored_body(const digest& blob, std::uint64_t bytes) {
  return text_of({{"sha256", to_string(blob)}, {"size", bytes}});
}

std::string function_body(const cluster::function_record& function, std::span<const cluster::route_record> routes,
                          const instance_counts& instances) {
  return text_of(object_of(function, routes, instances));
}

std::string deployed_body(const cluster::function_record& function, std::span<const cluster::route_record> routes,
                          const instance_counts& instances, const deployed& result) {
  auto body = object_of(function, routes, instances);
  body["created"] = result.fresh;
  body["started"] = true;
  body["start_ms"] = result.start_ms;
  body["cold"] = result.cold;
  if (result.copies > 0) {
    body["copies"] = result.copies;
    body["alone"] = result.copies == 1;
  }
  if (result.laggards)
    body["laggards"] = *result.laggards;
  return text_of(body);
}

std::string functions_body(std::span<const cluster::function_record> functions,
                           std::span<const cluster::route_record> routes, std::span<const instance_counts> instances) {
  // One pass over the routes: a thousand functions have thousands of them.
  std::map<std::string_view, std::vector<cluster::route_record>> routes_of;
  for (const auto& route : routes)
    routes_of[route.function].push_back(route);
  auto list = json::array();
  for (std::size_t i = 0; i < functions.size(); ++i)
    list.push_back(
        object_of(functions[i], routes_of[functions[i].name], i < instances.size() ? instances[i] : instance_counts{}));
  return text_of({{"functions", std::move(list)}});
}

std::string removed_body(std::string_view function, const std::optional<std::vector<std::string>>& laggards) {
  json body{{"removed", function}};
  if (laggards)
    body["laggards"] = *laggards;
  return text_of(body);
}

std::string routes_body(std::span<const cluster::route_record> routes) {
  auto list = json::array();
  for (const auto& route : routes)
    list.push_back({{"api", route.api}, {"route", route.key}, {"function", route.function}});
  return text_of({{"routes", std::move(list)}});
}

std::string node_body(const node_description& node) {
  return text_of({{"name", node.name},
                  {"version", TROUPE_VERSION},
                  {"api", 1},
                  {"state", node.state},
                  {"addresses", {{"http", json(node.http)}, {"admin", node.admin}}},
                  {"boot_id", node.boot_id},
                  {"actors", node.actors},
                  {"instances",
                   {{"ready", node.instances},
                    {"generic", node.generic},
                    {"memory_mb", node.promised_mb},
                    {"waiting", node.waiting}}}});
}

std::string error_body(const error& why) {
  return text_of({{"error", object_of(why)}});
}

std::string missing_blobs_error_body(std::span<const digest> missing) {
  auto body = object_of(error{errc::conflict, "the node lacks " + std::to_string(missing.size()) +
                                                  " blobs of the code: PUT them to /v1/blobs/<sha256>, then repeat"});
  body["missing"] = list_of(missing);
  return text_of({{"error", std::move(body)}});
}

unsigned admin_status_of(errc code) noexcept {
  switch (code) {
    case errc::bad_usage: return 400;
    case errc::refused:
    case errc::conflict: return 409;
    case errc::no_such_function:
    case errc::no_such_route: return 404;
    case errc::too_big:
    case errc::payload_too_large: return 413;
    // The deployment was understood, and the code in it does not work.
    case errc::init_failed:
    case errc::function_error:
    case errc::function_crashed:
    case errc::memory_exceeded:
    case errc::function_timeout:
    case errc::malformed_answer:
    case errc::answer_too_large: return 422;
    case errc::corrupt: return 422;
    case errc::full: return 507;
    case errc::unavailable:
    case errc::overloaded:
    case errc::no_capacity:
    case errc::draining:
    case errc::not_ready:
    case errc::breaker_open:
    case errc::stale:
    case errc::link_down:
    case errc::no_such_service: return 503;
    case errc::link_lost:
    case errc::protocol: return 502;
    case errc::budget_spent:
    case errc::unknown_outcome: return 504;
    case errc::bug:
    case errc::bad_setting:
    case errc::io:
    case errc::client_gone: return 500;
  }
  return 500;  // a code that only newer nodes know
}

}  // namespace troupe::http
