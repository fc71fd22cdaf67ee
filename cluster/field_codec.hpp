// Reading and writing msgpack maps field by field, for the *_codec files of this room only. Which fields a record or a
// message has is said there.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/catalog.hpp"

namespace troupe::cluster {

using field_packer = msgpack::packer<msgpack::sbuffer>;

template <std::size_t N>
void pack_bytes(field_packer& out, const std::array<std::uint8_t, N>& bytes) {
  constexpr auto size = static_cast<std::uint32_t>(N);
  out.pack_bin(size);
  out.pack_bin_body(reinterpret_cast<const char*>(bytes.data()), size);
}

/// Writes the fields that this program does not know behind those that it does.
void pack_unknown(field_packer& out, msgpack::sbuffer& bytes, const unknown_fields& unknown);

/// The fields of one map while they are taken out one by one; what nobody took is unknown.
class field_reader {
public:
  /// @returns the first fault, or nothing. `bytes` must outlive the reader.
  std::optional<std::string> open(std::string_view bytes);

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

  unknown_fields rest() const;
  const std::optional<std::string>& first_fault() const { return fault_; }

private:
  static constexpr std::size_t max_depth = 16;

  const msgpack::object* take(const char* name, bool required);
  void fault(const std::string& name, const std::string& what);

  msgpack::object_handle unpacked_;
  std::map<std::string, const msgpack::object*, std::less<>> fields_;
  std::optional<std::string> fault_;
};

}  // namespace troupe::cluster
