// Zip archives byte by byte, also such as no packer writes. Uncompressed; honest unless a field is changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/zip_bytes.hpp"

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
  std::string extra = {};  ///< extra fields, in both headers
};

/// What a zip64 end record says, where it is not the truth.
struct zip_claims {
  std::optional<std::uint64_t> entries = {};
  std::optional<std::uint64_t> directory_bytes = {};
  std::optional<std::uint64_t> directory_offset = {};
  std::optional<std::uint64_t> record_offset = {};  ///< in the locator
};

class zip_writer {
public:
  zip_writer& add(zip_item item) {
    items_.push_back(std::move(item));
    return *this;
  }

  /// @param claimed_entries  what the end record says, if not the truth.
  std::string bytes(std::optional<std::uint16_t> claimed_entries = std::nullopt) const {
    const auto [data, directory] = parts();
    const auto entries = claimed_entries.value_or(static_cast<std::uint16_t>(items_.size()));
    return data + directory + end_record(entries, directory.size(), data.size());
  }

  /// With a zip64 end record that counts, and a short one that leaves everything to it.
  std::string bytes_64(const zip_claims& claims = {}) const {
    const auto [data, directory] = parts();
    std::string out = data + directory;
    const auto record = out.size();
    const auto entries = claims.entries.value_or(items_.size());
    out += "PK\6\6";
    zip_bytes::put(out, 44, 8);
    zip_bytes::put(out, 45, 2);
    zip_bytes::put(out, 45, 2);
    zip_bytes::put(out, 0, 8);
    zip_bytes::put(out, entries, 8);
    zip_bytes::put(out, entries, 8);
    zip_bytes::put(out, claims.directory_bytes.value_or(directory.size()), 8);
    zip_bytes::put(out, claims.directory_offset.value_or(data.size()), 8);
    out += "PK\6\7";
    zip_bytes::put(out, 0, 4);
    zip_bytes::put(out, claims.record_offset.value_or(record), 8);
    zip_bytes::put(out, 1, 4);
    return out + end_record(0xffff, 0xffffffff, 0xffffffff);
  }

private:
  /// Entries, and the directory that lists them.
  std::pair<std::string, std::string> parts() const {
    std::string out;
    std::string directory;
    for (const auto& item : items_) {
      const auto start = static_cast<std::uint32_t>(out.size());
      const auto length = static_cast<std::uint32_t>(item.contents.size());
      const auto crc = zip_bytes::crc32(item.contents);
      std::string common;
      zip_bytes::put(common, item.flags, 2);
      zip_bytes::put(common, item.method, 2);
      zip_bytes::put(common, 0x5a210000u, 4);  // a time
      zip_bytes::put(common, crc, 4);
      zip_bytes::put(common, item.declared_packed.value_or(length), 4);
      zip_bytes::put(common, item.declared_size.value_or(length), 4);
      zip_bytes::put(common, item.name.size(), 2);
      zip_bytes::put(common, item.extra.size(), 2);
      out += "PK\3\4";
      zip_bytes::put(out, 20, 2);
      out += common + item.name + item.extra + item.contents;
      directory += "PK\1\2";
      zip_bytes::put(directory, 20u | static_cast<unsigned>(item.host) << 8, 2);
      zip_bytes::put(directory, 20, 2);
      directory += common;
      zip_bytes::put(directory, 0, 6);
      zip_bytes::put(directory, item.unix_mode << 16, 4);
      zip_bytes::put(directory, item.offset.value_or(start), 4);
      directory += item.name + item.extra;
    }
    return {out, directory};
  }

  static std::string end_record(std::uint64_t entries, std::uint64_t bytes, std::uint64_t offset) {
    std::string out = "PK\5\6";
    zip_bytes::put(out, 0, 4);
    zip_bytes::put(out, entries, 2);
    zip_bytes::put(out, entries, 2);
    zip_bytes::put(out, bytes, 4);
    zip_bytes::put(out, offset, 4);
    zip_bytes::put(out, 0, 2);
    return out;
  }

  std::vector<zip_item> items_;
};

}  // namespace troupe::tests
