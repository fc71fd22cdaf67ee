#include "cluster/record_codec.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <msgpack.hpp>
#include <optional>

namespace troupe::cluster {

namespace {

constexpr std::string_view function_prefix = "function/";
constexpr std::string_view route_prefix = "route/";

using packer = msgpack::packer<msgpack::sbuffer>;

template <std::size_t N>
void pack_bytes(packer& out, const std::array<std::uint8_t, N>& bytes) {
  constexpr auto size = static_cast<std::uint32_t>(N);
  out.pack_bin(size);
  out.pack_bin_body(reinterpret_cast<const char*>(bytes.data()), size);
}

void pack_unknown(packer& out, msgpack::sbuffer& bytes, const unknown_fields& unknown) {
  for (const auto& [name, value] : unknown) {
    out.pack(name);
    bytes.write(value.data(), value.size());
  }
}

/// The fields of one record while they are taken out one by one; what nobody took is unknown.
class field_reader {
public:
  /// @returns the first fault, or nothing.
  std::optional<std::string> open(std::string_view bytes) {
    try {
      // No container can have more members than the value has bytes: a length that lies allocates little.
      const auto most = bytes.size();
      std::size_t used = 0;
      unpacked_ = msgpack::unpack(bytes.data(), bytes.size(), used, nullptr, nullptr,
                                  msgpack::unpack_limit{most, most, most, most, most, max_depth});
      if (used != bytes.size())
        return "has bytes behind its end";
    } catch (const msgpack::unpack_error&) {
      return "is not msgpack";
    }
    if (unpacked_->type != msgpack::type::MAP)
      return "is not a map";
    for (const auto& field : unpacked_->via.map) {
      if (field.key.type != msgpack::type::STR)
        return "has a field whose name is no text";
      const std::string name{field.key.via.str.ptr, field.key.via.str.size};
      if (!fields_.emplace(name, &field.val).second)
        return "has field '" + name + "' twice";
    }
    return std::nullopt;
  }

  template <class T>
  void take(const char* name, T& out, bool required = false) {
    const auto* value = take(name, required);
    if (value == nullptr)
      return;
    try {
      value->convert(out);
    } catch (const msgpack::type_error&) {
      fault(name, "is of another type than it should be");
    }
  }

  template <std::size_t N>
  void take_bytes(const char* name, std::array<std::uint8_t, N>& out, bool required = true) {
    const auto* value = take(name, required);
    if (value == nullptr)
      return;
    if (value->type != msgpack::type::BIN || value->via.bin.size != N)
      return fault(name, "is not " + std::to_string(N) + " bytes");
    std::memcpy(out.data(), value->via.bin.ptr, N);
  }

  unknown_fields rest() const {
    unknown_fields unknown;
    for (const auto& [name, value] : fields_) {
      msgpack::sbuffer bytes;
      msgpack::pack(bytes, *value);
      unknown.emplace(name, std::string{bytes.data(), bytes.size()});
    }
    return unknown;
  }

  const std::optional<std::string>& first_fault() const { return fault_; }

private:
  static constexpr std::size_t max_depth = 16;

  const msgpack::object* take(const char* name, bool required) {
    const auto found = fields_.find(name);
    if (found == fields_.end()) {
      if (required)
        fault(name, "is missing");
      return nullptr;
    }
    const auto* value = found->second;
    fields_.erase(found);
    return value;
  }

  void fault(const std::string& name, const std::string& what) {
    if (!fault_)
      fault_ = "field '" + name + "' " + what;
  }

  msgpack::object_handle unpacked_;
  std::map<std::string, const msgpack::object*, std::less<>> fields_;
  std::optional<std::string> fault_;
};

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
  out.pack_map(static_cast<std::uint32_t>(23 + function.unknown.size()));
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
