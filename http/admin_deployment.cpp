#include "http/admin_deployment.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "http/object_reader.hpp"
#include "http/route_table.hpp"

namespace troupe::http {

namespace {

/// A deployment is one commit, and a commit takes 40 routes.
constexpr std::size_t max_routes = 40;

void read_environment(object_reader& reader, std::map<std::string, std::string>& out) {
  const auto* variables = reader.member("environment");
  if (variables == nullptr)
    return;
  if (!variables->is_object())
    return reader.blame("'environment' is not an object of strings");
  for (const auto& [name, value] : variables->items()) {
    if (!value.is_string())
      return reader.blame("'environment': the value of '" + name.substr(0, 64) + "' is not a string");
    out[name] = value.get<std::string>();
  }
}

void read_routes(object_reader& reader, deploy_function& request) {
  bool none = false;
  reader.boolean("no_route", none);
  const auto* routes = reader.member("routes");
  if (none && routes != nullptr)
    return reader.blame("'routes' and 'no_route' exclude each other");
  if (routes == nullptr) {
    request.routes = none ? std::vector<std::string>{} : default_routes(request.spec.name);
    return;
  }
  if (!routes->is_array() || routes->empty() || routes->size() > max_routes)
    return reader.blame("'routes' is not a list of 1 to 40 route keys; 'no_route' asks for none");
  std::set<std::string> identities;
  for (const auto& key : *routes) {
    if (!key.is_string())
      return reader.blame("'routes': a route key is not a string");
    const auto& text = key.get_ref<const std::string&>();
    const auto parsed = parse_route_key(text);
    if (!parsed)
      return reader.blame(parsed.error());
    if (!identities.insert(identity_of(*parsed)).second)
      return reader.blame("route '" + text + "' is given twice");
    request.routes.push_back(text);
  }
}

void read_code(object_reader& reader, deploy_function& request) {
  const auto* code = reader.member("code");
  if (code == nullptr)
    return reader.blame("'code' is missing");
  object_reader inside{*code, "'code'"};
  const auto* manifest = inside.member("manifest");
  const auto* zip = inside.member("zip");
  const auto* object = inside.member("object");
  if ((manifest != nullptr) + (zip != nullptr) + (object != nullptr) != 1)
    inside.blame("'code' needs exactly one of 'manifest', 'zip' and 'object'");
  digest named;
  if (zip != nullptr)
    inside.sha256("zip", named);
  if (object != nullptr)
    inside.sha256("object", named);
  if (auto finished = inside.finish(); !finished)
    return reader.blame(finished.error());
  request.spec.form = object != nullptr ? functions::code_form::object : functions::code_form::folder;
  if (zip != nullptr) {
    request.code = zip_code{named};
  } else if (object != nullptr) {
    request.code = object_code{named};
    request.spec.code = named;
  } else if (auto package = functions::manifest_of(*manifest); package) {
    request.spec.code = package->code();
    request.code = std::move(*package);
  } else {
    reader.blame(package.error());
  }
}

void read_source(object_reader& reader, std::optional<code_source>& out) {
  const auto* source = reader.member("source");
  if (source == nullptr)
    return;
  object_reader inside{*source, "'source'"};
  code_source place;
  inside.text("root", place.root);
  inside.text("boot_id", place.boot_id);
  if (!place.root.starts_with('/') || place.root.find('\0') != place.root.npos)
    inside.blame("'source': 'root' is not an absolute path");
  if (place.boot_id.empty())
    inside.blame("'source': 'boot_id' is missing");
  if (auto finished = inside.finish(); !finished)
    return reader.blame(finished.error());
  out = std::move(place);
}

void read_runtime(object_reader& reader, functions::function_spec& spec) {
  const bool is_object = spec.form == functions::code_form::object;
  spec.runtime = is_object ? "native" : "";
  reader.text("runtime", spec.runtime);
  reader.text("handler", spec.handler);
  if (spec.runtime.empty())
    return reader.blame("'runtime' is missing");
  const auto kind = functions::parse_runtime(spec.runtime);
  if (!kind)
    return reader.blame(kind.error());
  spec.kind = *kind;
  if (is_object != (spec.kind == functions::runtime_kind::native))
    return reader.blame(is_object ? "'code' is a shared object, which only the runtime native can run"
                                  : "the runtime native takes its code as 'object'");
}

}  // namespace

std::vector<std::string> default_routes(std::string_view function) {
  const auto whole = "ANY /" + std::string{function};
  return {whole, whole + "/{proxy+}"};
}

expected<deploy_function> parse_deployment(const std::string& name, std::string_view body) {
  const auto parsed = parse_json_body(body);
  if (!parsed)
    return tl::unexpected{parsed.error()};
  object_reader reader{*parsed, "body"};
  deploy_function request;
  auto& spec = request.spec;
  spec.name = name;
  read_code(reader, request);
  read_runtime(reader, spec);
  read_routes(reader, request);
  read_environment(reader, spec.environment);
  read_source(reader, request.source);
  auto timeout_ms = static_cast<std::uint32_t>(spec.timeout.count());
  reader.number("timeout_ms", "milliseconds", timeout_ms);
  reader.number("concurrency", "calls", spec.concurrency);
  reader.number("memory_mb", "megabytes", spec.memory_mb);
  reader.number("min_instances", "instances", spec.min_instances);
  reader.number("max_instances", "instances", spec.max_instances);
  reader.boolean("idempotent", spec.idempotent);
  spec.timeout = milliseconds{timeout_ms};
  if (auto checked = reader.finish().and_then([&] { return functions::check(spec); }); !checked)
    return tl::unexpected{checked.error()};
  return request;
}

}  // namespace troupe::http
