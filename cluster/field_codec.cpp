#include "cluster/field_codec.hpp"

namespace troupe::cluster {

void pack_unknown(field_packer& out, msgpack::sbuffer& bytes, const unknown_fields& unknown) {
  for (const auto& [name, value] : unknown) {
    out.pack(name);
    bytes.write(value.data(), value.size());
  }
}

std::optional<std::string> field_reader::open(std::string_view bytes) {
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

unknown_fields field_reader::rest() const {
  unknown_fields unknown;
  for (const auto& [name, value] : fields_) {
    msgpack::sbuffer bytes;
    msgpack::pack(bytes, *value);
    unknown.emplace(name, std::string{bytes.data(), bytes.size()});
  }
  return unknown;
}

const msgpack::object* field_reader::take(const char* name, bool required) {
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

void field_reader::fault(const std::string& name, const std::string& what) {
  if (!fault_)
    fault_ = "field '" + name + "' " + what;
}

}  // namespace troupe::cluster
