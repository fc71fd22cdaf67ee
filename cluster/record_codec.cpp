#include "cluster/record_codec.hpp"

#include <algorithm>

#include "cluster/field_codec.hpp"

namespace troupe::cluster {

namespace {

constexpr std::string_view function_prefix = "function/";
constexpr std::string_view route_prefix = "route/";

using packer = field_packer;

tl::unexpected<error> unreadable(const record& stored, const std::string& what) {
  return fail(errc::corrupt, "record '" + stored.key + "' cannot be read: " + what);
}

}  // namespace

std::string function_key(std::string_view name) {
  return std::string{function_prefix}.append(name);
}

std::string route_record_key(std::string_view api, std::string_view key) {
  return std::string{route_prefix}.append(api).append("/").append(key);
}

std::string encode(const function_record& function) {
  msgpack::sbuffer bytes;
  packer out{bytes};
  out.pack_map(static_cast<std::uint32_t>(24 + function.unknown.size()));
  out.pack("schema").pack(std::max(function.schema, record_schema));
  out.pack("id");
  pack_bytes(out, function.id.bytes);
  out.pack("version").pack(function.version);
  out.pack("runtime").pack(function.runtime);
  out.pack("handler").pack(function.handler);
  out.pack("form").pack(function.form);
  out.pack("code");
  pack_bytes(out, function.code.bytes);
  out.pack("code_bytes").pack(function.code_bytes);
  out.pack("timeout_ms").pack(function.timeout_ms);
  out.pack("memory_mb").pack(function.memory_mb);
  out.pack("concurrency").pack(function.concurrency);
  out.pack("environment").pack(function.environment);
  out.pack("modified_unix_ms").pack(function.modified_unix_ms);
  out.pack("min_instances").pack(function.min_instances);
  out.pack("max_instances").pack(function.max_instances);
  out.pack("idempotent").pack(function.idempotent);
  out.pack("role").pack(function.role);
  out.pack("description").pack(function.description);
  out.pack("archive");
  pack_bytes(out, function.archive.bytes);
  out.pack("archive_bytes").pack(function.archive_bytes);
  out.pack("tags").pack(function.tags);
  out.pack("architecture").pack(function.architecture);
  out.pack("ephemeral_mb").pack(function.ephemeral_mb);
  out.pack("tracing").pack(function.tracing);
  pack_unknown(out, bytes, function.unknown);
  return {bytes.data(), bytes.size()};
}

std::string encode(const route_record& route) {
  msgpack::sbuffer bytes;
  packer out{bytes};
  out.pack_map(static_cast<std::uint32_t>(2 + route.unknown.size()));
  out.pack("schema").pack(std::max(route.schema, record_schema));
  out.pack("function").pack(route.function);
  pack_unknown(out, bytes, route.unknown);
  return {bytes.data(), bytes.size()};
}

expected<function_record> decode_function(const record& stored) {
  if (!stored.key.starts_with(function_prefix) || stored.key.size() == function_prefix.size())
    return unreadable(stored, "the key is not that of a function");
  field_reader fields;
  if (const auto fault = fields.open(stored.value))
    return unreadable(stored, "the value " + *fault);
  function_record function;
  function.name = stored.key.substr(function_prefix.size());
  function.revision = stored.revision;
  fields.take("schema", function.schema, true);
  fields.take_bytes("id", function.id.bytes);
  fields.take("version", function.version, true);
  fields.take("runtime", function.runtime, true);
  fields.take("handler", function.handler);
  fields.take("form", function.form, true);
  fields.take_bytes("code", function.code.bytes);
  fields.take("code_bytes", function.code_bytes);
  fields.take("timeout_ms", function.timeout_ms);
  fields.take("memory_mb", function.memory_mb);
  fields.take("concurrency", function.concurrency);
  fields.take("environment", function.environment);
  fields.take("modified_unix_ms", function.modified_unix_ms);
  fields.take("min_instances", function.min_instances);
  fields.take("max_instances", function.max_instances);
  fields.take("idempotent", function.idempotent, false);
  fields.take("role", function.role);
  fields.take("description", function.description);
  fields.take_bytes("archive", function.archive.bytes, false);
  fields.take("archive_bytes", function.archive_bytes);
  fields.take("tags", function.tags);
  fields.take("architecture", function.architecture);
  fields.take("ephemeral_mb", function.ephemeral_mb);
  fields.take("tracing", function.tracing);
  if (fields.first_fault())
    return unreadable(stored, *fields.first_fault());
  function.unknown = fields.rest();
  return function;
}

expected<route_record> decode_route(const record& stored) {
  const auto slash = stored.key.find('/', route_prefix.size());
  if (!stored.key.starts_with(route_prefix) || slash == std::string::npos || slash == route_prefix.size() ||
      slash + 1 == stored.key.size())
    return unreadable(stored, "the key is not that of a route");
  field_reader fields;
  if (const auto fault = fields.open(stored.value))
    return unreadable(stored, "the value " + *fault);
  route_record route;
  route.api = stored.key.substr(route_prefix.size(), slash - route_prefix.size());
  route.key = stored.key.substr(slash + 1);
  route.revision = stored.revision;
  fields.take("schema", route.schema, true);
  fields.take("function", route.function, true);
  if (fields.first_fault())
    return unreadable(stored, *fields.first_fault());
  route.unknown = fields.rest();
  return route;
}

}  // namespace troupe::cluster
