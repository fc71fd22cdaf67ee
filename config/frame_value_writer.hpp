// Writes single msgpack values of the kinds that frames are made of: unsigned integers, str, bin. For the *frame* files
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/buffer.hpp"
#include "config/frame_tags.hpp"

namespace troupe {

/// Appends values to a buffer.
class value_writer {
public:
  explicit value_writer(buffer& out) : out_{out} {}

  void big_endian(std::uint64_t value, std::size_t count) {
    char bytes[8];
    for (std::size_t i = 0; i < count; ++i)
      bytes[i] = static_cast<char>(value >> (8 * (count - 1 - i)) & 0xff);
    out_.append({bytes, count});
  }
  void byte(std::uint64_t value) { out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    if (value < 0x80)
      return byte(value);
    const auto width = value <= 0xff ? 0u : value <= 0xffff ? 1u : value <= 0xffffffff ? 2u : 3u;
    byte(tags::uint8 + width);
    big_endian(value, std::size_t{1} << width);
  }
  void bin(std::string_view bytes) {
    header(tags::bin8, bytes.size());
    out_.append(bytes);
  }
  void str(std::string_view text) {
    if (text.size() < 32)
      byte(tags::fix_str | text.size());
    else
      header(tags::str8, text.size());
    out_.append(text);
  }

private:
  void header(std::uint8_t smallest, std::size_t size) {
    const auto width = size <= 0xff ? 0u : size <= 0xffff ? 1u : 2u;
    byte(smallest + width);
    big_endian(size, std::size_t{1} << width);
  }
  buffer& out_;
};

}  // namespace troupe
