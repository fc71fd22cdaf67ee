#include "actors/envelope_fields.hpp"

#include <cstring>

#include "actors/envelope.hpp"

namespace troupe::actors {

namespace {

constexpr std::size_t max_depth = 8;

}  // namespace

msgpack::packer<msgpack::sbuffer>& field_writer::put_name(std::string_view name) {
  out_.pack_str(static_cast<std::uint32_t>(name.size()));
  out_.pack_str_body(name.data(), static_cast<std::uint32_t>(name.size()));
  return out_;
}

void field_writer::put(std::string_view name, std::string_view text) {
  put_name(name);
  out_.pack_str(static_cast<std::uint32_t>(text.size()));
  out_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void field_writer::put(std::string_view name, const uuid& id) {
  put_name(name);
  pack_id(id);
}

void field_writer::pack_id(const uuid& id) {
  constexpr auto size = static_cast<std::uint32_t>(sizeof id.bytes);
  out_.pack_bin(size);
  out_.pack_bin_body(reinterpret_cast<const char*>(id.bytes.data()), size);
}

void field_reader::open(std::string_view body) {
  if (body.size() > max_envelope_bytes)
    return fault("", "the body is larger than an envelope's may be");
  try {
    // No container can have more members than the body has bytes: a length that lies allocates little.
    const auto most = body.size();
    std::size_t used = 0;
    unpacked_ = msgpack::unpack(body.data(), body.size(), used, nullptr, nullptr,
                                msgpack::unpack_limit{most, most, most, most, most, max_depth});
    if (used != body.size())
      return fault("", "the body has bytes behind its end");
  } catch (const msgpack::unpack_error&) {
    return fault("", "the body is not msgpack");
  }
  if (unpacked_->type != msgpack::type::MAP)
    return fault("", "the body is not a map");
  for (const auto& field : unpacked_->via.map) {
    if (field.key.type != msgpack::type::STR)
      return fault("", "the body has a field whose name is no text");
    if (!fields_.emplace(std::string{field.key.via.str.ptr, field.key.via.str.size}, &field.val).second)
      return fault("", "the body has a field twice");
  }
}

void field_reader::take(const char* name, std::string& out, std::size_t max_bytes) {
  if (const auto* value = find(name); value != nullptr)
    text(name, *value, out, max_bytes);
}

void field_reader::take(const char* name, uuid& out) {
  if (const auto* value = find(name); value != nullptr)
    id(name, *value, out);
}

const msgpack::object* field_reader::take_array(const char* name, std::size_t max_members) {
  const auto* value = find(name);
  if (value == nullptr)
    return nullptr;
  if (value->type != msgpack::type::ARRAY)
    fault(name, "is not an array");
  else if (value->via.array.size > max_members)
    fault(name, "has too many members");
  else
    return value;
  return nullptr;
}

void field_reader::text(const char* name, const msgpack::object& value, std::string& out, std::size_t max_bytes) {
  if (value.type != msgpack::type::STR)
    return fault(name, "is not text");
  if (value.via.str.size > max_bytes)
    return fault(name, "is too long");
  out.assign(value.via.str.ptr, value.via.str.size);
}

void field_reader::id(const char* name, const msgpack::object& value, uuid& out) {
  if (value.type != msgpack::type::BIN || value.via.bin.size != out.bytes.size())
    return fault(name, "is not 16 bytes");
  std::memcpy(out.bytes.data(), value.via.bin.ptr, out.bytes.size());
}

void field_reader::fault(std::string_view name, std::string_view what) {
  if (fault_)
    return;
  fault_ = name.empty() ? std::string{} : "field '" + std::string{name} + "' ";
  fault_->append(what);
}

expected<void> field_reader::result() const {
  if (fault_)
    return fail(errc::corrupt, *fault_);
  return {};
}

const msgpack::object* field_reader::find(const char* name) {
  if (fault_)
    return nullptr;
  const auto found = fields_.find(name);
  if (found != fields_.end())
    return found->second;
  fault(name, "is missing");
  return nullptr;
}

}  // namespace troupe::actors
