// Writing and reading the msgpack maps in envelopes: fields by name, those that are not known are skipped, every size
// is checked before anything is allocated for it. What the fields mean is said in envelope_body. Only actors/envelope*
// include this.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

/// One map while it is written.
class field_writer {
public:
  explicit field_writer(std::uint32_t count) : out_{bytes_} { out_.pack_map(count); }

  template <class Number>
  requires std::is_integral_v<Number>
  void put(std::string_view name, Number value) {
    put_name(name);
    out_.pack(value);
  }
  void put(std::string_view name, std::string_view text);
  void put(std::string_view name, const uuid& id);

  /// For a value that is no number, text or id: pack it next.
  msgpack::packer<msgpack::sbuffer>& put_name(std::string_view name);
  void pack_id(const uuid& id);

  std::string take() { return {bytes_.data(), bytes_.size()}; }

private:
  msgpack::sbuffer bytes_;
  msgpack::packer<msgpack::sbuffer> out_;
};

/// One map while it is read. The first fault is kept; what is read after it is empty.
class field_reader {
public:
  explicit field_reader(std::string_view body) { open(body); }

  template <class Number>
  requires std::is_integral_v<Number>
  void take(const char* name, Number& out) {
    if (const auto* value = find(name); value != nullptr)
      number(name, *value, out);
  }
  /// A field that may be left out.
  template <class Number>
  requires std::is_integral_v<Number>
  void take(const char* name, std::optional<Number>& out) {
    if (const auto found = fields_.find(name); !fault_ && found != fields_.end())
      number(name, *found->second, out.emplace());
  }
  void take(const char* name, std::string& out, std::size_t max_bytes);
  void take(const char* name, uuid& out);
  /// @returns the array of that name, or null.
  const msgpack::object* take_array(const char* name, std::size_t max_members);

  template <class Number>
  void number(const char* name, const msgpack::object& value, Number& out) {
    constexpr auto wanted = std::is_same_v<Number, bool> ? msgpack::type::BOOLEAN : msgpack::type::POSITIVE_INTEGER;
    const bool negative = std::is_signed_v<Number> && value.type == msgpack::type::NEGATIVE_INTEGER;
    try {
      if (value.type != wanted && !negative)
        return fault(name, "is of another type than it should be");
      value.convert(out);
    } catch (const msgpack::type_error&) {
      fault(name, "is out of range");
    }
  }
  void text(const char* name, const msgpack::object& value, std::string& out, std::size_t max_bytes);
  void id(const char* name, const msgpack::object& value, uuid& out);
  void fault(std::string_view name, std::string_view what);

  /// @returns `errc::corrupt` with the first fault.
  expected<void> result() const;

private:
  void open(std::string_view body);
  const msgpack::object* find(const char* name);

  msgpack::object_handle unpacked_;
  std::map<std::string, const msgpack::object*, std::less<>> fields_;
  std::optional<std::string> fault_;
};

}  // namespace troupe::actors
