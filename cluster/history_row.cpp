#include "cluster/history_row.hpp"

namespace troupe::cluster {

namespace {

/// Fixed-width integers are little-endian: the hashes must be the same on every machine.
template <class Number>
void put_number(std::string& out, Number value) {
  auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(Number); ++i, bits >>= 8)
    out.push_back(static_cast<char>(bits & 0xff));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

template <std::size_t N>
void put_bytes(std::string& out, const std::array<std::uint8_t, N>& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Reads what the functions above wrote; after the first missing byte everything reads as empty and `good` is false.
struct reader {
  std::string_view rest;
  bool good = true;

  std::uint32_t number() {
    const auto bytes = take(4);
    std::uint32_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }

  std::string text() { return std::string{take(number())}; }

  std::string_view take(std::size_t count) {
    if (count > rest.size()) {
      good = false;
      rest = {};
      return {};
    }
    const auto bytes = rest.substr(0, count);
    rest.remove_prefix(count);
    return bytes;
  }
};

}  // namespace

digest chain_hash(const digest& previous, const row_head& head) {
  std::string bytes;
  bytes.reserve(128);
  put_bytes(bytes, previous.bytes);
  put_number(bytes, head.at.value);
  put_bytes(bytes, head.id.bytes);
  put_number(bytes, static_cast<std::uint8_t>(head.kind));
  put_number(bytes, static_cast<std::int64_t>(head.time.count()));
  put_bytes(bytes, head.body.bytes);
  return sha256(bytes);
}

commit_result answer_of(cursor at, row_kind kind) {
  if (kind == row_kind::voided)
    return voided{};
  return committed{at};
}

std::string encode_body(const applied& commit) {
  std::string out;
  put_number(out, static_cast<std::uint32_t>(commit.puts.size()));
  for (const auto& put : commit.puts) {
    put_text(out, put.key);
    put_text(out, put.value);
  }
  put_number(out, static_cast<std::uint32_t>(commit.erased.size()));
  for (const auto& key : commit.erased)
    put_text(out, key);
  return out;
}

expected<applied> decode_body(cursor at, std::string_view body) {
  applied commit;
  commit.cursor = at;
  reader in{body};
  for (auto puts = in.number(); puts > 0 && in.good; --puts) {
    auto key = in.text();
    auto value = in.text();
    commit.puts.push_back({std::move(key), std::move(value), at.value});
  }
  for (auto erased = in.number(); erased > 0 && in.good; --erased)
    commit.erased.push_back(in.text());
  if (!in.good || !in.rest.empty())
    return fail(errc::corrupt, "commit " + std::to_string(at.value) + " of the history cannot be read");
  return commit;
}

}  // namespace troupe::cluster
