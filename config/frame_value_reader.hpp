// Reads single msgpack values of the kinds that frames are made of: unsigned integers, str, bin, nil. For the *frame*
// files only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/frame_tags.hpp"

namespace troupe {

/// Reads one value after the other. After the first fault everything is empty and `good` false.
class value_reader {
public:
  explicit value_reader(std::string_view bytes) noexcept : left_{bytes} {}

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return left_.empty(); }
  /// Bytes that no value has taken yet.
  std::size_t left() const noexcept { return left_.size(); }

  std::size_t array() noexcept {
    const auto tag = take_byte();
    if ((tag & 0xf0) == tags::fix_array)
      return tag & 0x0f;
    return tag == tags::array16 ? static_cast<std::size_t>(big_endian(2)) : refuse();
  }
  std::uint64_t number() noexcept {
    const auto tag = take_byte();
    if (tag < 0x80)
      return tag;
    return tag >= tags::uint8 && tag <= tags::uint64 ? big_endian(std::size_t{1} << (tag - tags::uint8)) : refuse();
  }
  /// A bin or tags::nil.
  std::string_view bin() noexcept {
    const auto tag = take_byte();
    if (tag >= tags::bin8 && tag <= tags::bin32)
      return take(big_endian(std::size_t{1} << (tag - tags::bin8)));
    return none_unless_nil(tag);
  }
  /// A str or tags::nil.
  std::string_view str() noexcept {
    const auto tag = take_byte();
    if ((tag & 0xe0) == tags::fix_str)
      return take(tag & 0x1f);
    if (tag >= tags::str8 && tag <= tags::str32)
      return take(big_endian(std::size_t{1} << (tag - tags::str8)));
    return none_unless_nil(tag);
  }
  /// Passes over `count` values, the elements of arrays among them included.
  void skip(std::size_t count) noexcept {
    for (; count > 0 && good_; --count) {
      const auto tag = left_.empty() ? tags::never_used : static_cast<std::uint8_t>(left_.front());
      if ((tag & 0xf0) == tags::fix_array || tag == tags::array16)
        count += array();
      else if (tag < 0x80 || (tag >= tags::uint8 && tag <= tags::uint64))
        number();
      else if (tag >= tags::bin8 && tag <= tags::bin32)
        bin();
      else
        str();
    }
  }

private:
  std::uint8_t take_byte() noexcept {
    const auto byte = take(1);
    return byte.empty() ? tags::never_used : static_cast<std::uint8_t>(byte.front());
  }
  std::string_view take(std::uint64_t count) noexcept {
    if (count > left_.size()) {
      refuse();
      return {};
    }
    const auto taken = left_.substr(0, static_cast<std::size_t>(count));
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::uint64_t big_endian(std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (const char c : take(count))
      value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view none_unless_nil(std::uint8_t tag) noexcept {
    if (tag != tags::nil)
      refuse();
    return {};
  }
  std::size_t refuse() noexcept {
    good_ = false;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool good_ = true;
};

}  // namespace troupe
