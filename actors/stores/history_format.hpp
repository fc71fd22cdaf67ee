// The tables of the store's file and the sums over their rows. For history_store only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cluster/catalog_store.hpp"
#include "config/ids.hpp"

namespace troupe::actors::history_format {

inline constexpr std::uint64_t file_format = 1;

inline constexpr const char* tables[] = {
    "CREATE TABLE identity(store_id BLOB NOT NULL, generation INTEGER NOT NULL, salt INTEGER NOT NULL,"
    " parent_store BLOB NOT NULL, parent_cursor INTEGER NOT NULL, format INTEGER NOT NULL, sum BLOB NOT NULL)",
    "CREATE TABLE records(key BLOB PRIMARY KEY, value BLOB NOT NULL, revision INTEGER NOT NULL, sum BLOB NOT NULL)",
    // Rows lose their body first; head and hash outlive it.
    "CREATE TABLE history(cursor INTEGER PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL, time INTEGER NOT NULL,"
    " body_digest BLOB NOT NULL, hash BLOB NOT NULL, body BLOB)"};

/// SHA-256 over all columns of a row that no chain of hashes covers.
class row_sum {
public:
  row_sum& text(std::string_view bytes) {
    number(static_cast<std::int64_t>(bytes.size()));
    stream_.update(bytes);
    return *this;
  }
  row_sum& number(std::int64_t value) {
    char bytes[8];
    for (auto& byte : bytes) {
      byte = static_cast<char>(value & 0xff);
      value >>= 8;
    }
    stream_.update({bytes, sizeof bytes});
    return *this;
  }
  digest finish() { return stream_.finish(); }

private:
  sha256_stream stream_;
};

inline digest sum_of(const cluster::record& stored) {
  return row_sum{}.text(stored.key).text(stored.value).number(static_cast<std::int64_t>(stored.revision)).finish();
}

template <std::size_t N>
std::string_view view(const std::array<std::uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

inline digest sum_of(const cluster::store_identity& identity, std::uint64_t format) {
  return row_sum{}
      .text(view(identity.store_id.bytes))
      .number(static_cast<std::int64_t>(identity.generation.counter))
      .number(static_cast<std::int64_t>(identity.generation.salt))
      .text(view(identity.parent_store.bytes))
      .number(static_cast<std::int64_t>(identity.parent_cursor.value))
      .number(static_cast<std::int64_t>(format))
      .finish();
}

}  // namespace troupe::actors::history_format
