// Zip archives byte by byte, also such as no packer writes. Uncompressed; honest unless a field is changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tests {

struct zip_item {
  std::string name;
  std::string contents;
  std::uint32_t unix_mode = 0100644;  ///< with its type
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint8_t host = 3;
  std::optional<std::uint32_t> declared_size = {};
  std::optional<std::uint32_t> declared_packed = {};
  std::optional<std::uint32_t> offset = {};
};

class zip_writer {
public:
  zip_writer& add(zip_item item) {
    items_.push_back(std::move(item));
    return *this;
  }

  /// @param claimed_entries  what the end record says, if not the truth.
  std::string bytes(std::optional<std::uint16_t> claimed_entries = std::nullopt) const {
    std::string out;
    std::string directory;
    for (const auto& item : items_) {
      const auto start = static_cast<std::uint32_t>(out.size());
      const auto length = static_cast<std::uint32_t>(item.contents.size());
      const auto crc = crc32(item.contents);
      std::string common;
      put(common, item.flags, 2);
      put(common, item.method, 2);
      put(common, 0x5a210000u, 4);  // a time
      put(common, crc, 4);
      put(common, item.declared_packed.value_or(length), 4);
      put(common, item.declared_size.value_or(length), 4);
      put(common, item.name.size(), 2);
      put(common, 0, 2);
      out += "PK\3\4";
      put(out, 20, 2);
      out += common + item.name + item.contents;
      directory += "PK\1\2";
      put(directory, 20u | static_cast<unsigned>(item.host) << 8, 2);
      put(directory, 20, 2);
      directory += common;
      put(directory, 0, 6);
      put(directory, item.unix_mode << 16, 4);
      put(directory, item.offset.value_or(start), 4);
      directory += item.name;
    }
    const auto place = out.size();
    const auto entries = claimed_entries.value_or(static_cast<std::uint16_t>(items_.size()));
    out += directory + "PK\5\6";
    put(out, 0, 4);
    put(out, entries, 2);
    put(out, entries, 2);
    put(out, directory.size(), 4);
    put(out, place, 4);
    put(out, 0, 2);
    return out;
  }

private:
  static std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) {
      crc ^= static_cast<unsigned char>(byte);
      for (int bit = 0; bit < 8; ++bit)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0u);
    }
    return ~crc;
  }

  static void put(std::string& out, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      out.push_back(static_cast<char>(i < 8 ? value >> (8 * i) & 0xff : 0));
  }

  std::vector<zip_item> items_;
};

}  // namespace troupe::tests
