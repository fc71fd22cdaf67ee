#include "cli/deployment_request.hpp"

#include <map>
#include <utility>

#include "cli/inference.hpp"
#include "cli/python_inference.hpp"
#include "functions/function_spec.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;
using handler_inference = expected<std::string> (*)(const package_files&);

/// How the handler of a runtime is found; null where there is none to find.
handler_inference inference_of(const std::string& runtime) {
  if (runtime.starts_with("nodejs"))
    return infer_node_handler;
  return runtime.starts_with("python3") ? infer_python_handler : nullptr;
}

expected<inferred_code> runtime_and_handler(const deploy_options& options, const local_code& code) {
  if (code.kind == code_kind::object)
    return inferred_code{options.runtime.value_or("native"), options.handler.value_or("")};
  if (!options.runtime)
    return infer_code(code.files, options.handler);
  const auto infer = options.handler ? nullptr : inference_of(*options.runtime);
  if (infer == nullptr)
    return inferred_code{*options.runtime, options.handler.value_or("")};
  return infer(code.files).map([&](std::string handler) {
    return inferred_code{*options.runtime, std::move(handler)};
  });
}

expected<void> add_environment(const deploy_options& options, json& body) {
  for (const auto& variable : options.environment) {
    const auto equals = variable.find('=');
    if (equals == variable.npos || equals == 0)
      return fail(errc::bad_usage, "--env '" + variable + "': expected is NAME=VALUE");
    body["environment"][variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return {};
}

void add_limits(const deploy_options& options, json& body) {
  if (options.timeout_s)
    body["timeout_ms"] = static_cast<std::uint64_t>(*options.timeout_s * 1000 + 0.5);
  const auto add = [&](const char* name, const std::optional<std::uint32_t>& value) {
    if (value)
      body[name] = *value;
  };
  add("concurrency", options.concurrency);
  add("memory_mb", options.memory_mb);
  add("min_instances", options.min_instances);
  add("max_instances", options.max_instances);
  if (options.idempotent)
    body["idempotent"] = true;
}

expected<void> check(const deploy_options& options, const deployment_request& request) {
  functions::function_spec spec;
  spec.name = request.name;
  const auto kind = functions::parse_runtime(request.body["runtime"].get<std::string>());
  if (!kind)
    return tl::unexpected{kind.error()};
  spec.kind = *kind;
  spec.handler = request.body.value("handler", "");
  spec.timeout = milliseconds{request.body.value("timeout_ms", std::uint64_t{3000})};
  spec.concurrency = options.concurrency.value_or(spec.concurrency);
  spec.memory_mb = options.memory_mb.value_or(spec.memory_mb);
  spec.min_instances = options.min_instances.value_or(spec.min_instances);
  spec.max_instances = options.max_instances.value_or(spec.max_instances);
  if (request.body.contains("environment"))
    spec.environment = request.body["environment"].get<std::map<std::string, std::string>>();
  return functions::check(spec);
}

}  // namespace

expected<deployment_request> describe_deployment(const deploy_options& options, const local_code& code) {
  auto name = options.name ? expected<std::string>{*options.name} : infer_name(code.stem);
  if (!name)
    return tl::unexpected{name.error()};
  const auto told = runtime_and_handler(options, code);
  if (!told)
    return tl::unexpected{told.error()};
  deployment_request request{std::move(*name), {{"runtime", told->runtime}}};
  if (!told->handler.empty())
    request.body["handler"] = told->handler;
  if (!options.routes.empty())
    request.body["routes"] = options.routes;
  if (options.no_route)
    request.body["no_route"] = true;
  if (auto added = add_environment(options, request.body); !added)
    return tl::unexpected{added.error()};
  add_limits(options, request.body);
  request.body["code"] = code.code;
  if (auto checked = check(options, request); !checked)
    return tl::unexpected{checked.error()};
  return request;
}

}  // namespace troupe::cli
