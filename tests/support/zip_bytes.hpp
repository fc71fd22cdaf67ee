// Numbers, checksums and extra fields as zip archives hold them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::tests::zip_bytes {

/// The low `count` bytes, the lowest first; zeros beyond eight.
inline void put(std::string& out, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i)
    out.push_back(static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0));
}

inline std::string number(std::uint64_t value, int count) {
  std::string out;
  put(out, value, count);
  return out;
}

inline std::string extra_field(std::uint16_t id, std::string_view value) {
  return number(id, 2) + number(value.size(), 2).append(value);
}

inline std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

}  // namespace troupe::tests::zip_bytes
