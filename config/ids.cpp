#include "config/ids.hpp"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "config/text.hpp"

namespace troupe {

namespace {

void os_random(void* out, std::size_t count) {
  auto* bytes = static_cast<char*>(out);
  while (count > 0) {
    const auto got = ::getrandom(bytes, count, 0);
    if (got < 0)
      std::abort();  // the kernel has no random source: no identity made here could be trusted
    bytes += got;
    count -= static_cast<std::size_t>(got);
  }
}

/// xoshiro256** (Blackman and Vigna, 2018), one per thread.
struct generator {
  std::uint64_t state[4];
  generator() { os_random(state, sizeof state); }
  std::uint64_t next() noexcept {
    const auto result = std::rotl(state[1] * 5, 7) * 9;
    const auto t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = std::rotl(state[3], 45);
    return result;
  }
};

uuid version4(uuid id) noexcept {
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x40);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace

std::uint64_t fast_random() noexcept {
  thread_local generator source;
  return source.next();
}

uuid make_uuid() {
  uuid id;
  os_random(id.bytes.data(), id.bytes.size());
  return version4(id);
}

uuid make_fast_uuid() noexcept {
  uuid id;
  const std::uint64_t words[2] = {fast_random(), fast_random()};
  std::memcpy(id.bytes.data(), words, sizeof words);
  return version4(id);
}

void format(const uuid& id, std::span<char, 36> out) noexcept {
  // Two of each request's ids are written so: whole bytes by table, without a branch.
  static constexpr auto pairs = [] {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = {digits[i >> 4], digits[i & 15]};
    return all;
  }();
  static constexpr std::array<std::uint8_t, 16> places = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    out[places[i]] = pairs[id.bytes[i]][0];
    out[places[i] + 1u] = pairs[id.bytes[i]][1];
  }
  out[8] = out[13] = out[18] = out[23] = '-';
}

std::string to_string(const uuid& id) {
  char text[36];
  format(id, text);
  return {text, sizeof text};
}

uuid parse_uuid(std::string_view text) noexcept {
  uuid id;
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return id;
  std::string digits;
  for (const char c : text)
    if (c != '-')
      digits.push_back(c);
  const auto bytes = unhex(digits);
  if (!bytes || bytes->size() != id.bytes.size())
    return id;
  std::memcpy(id.bytes.data(), bytes->data(), bytes->size());
  return id;
}

request_id make_request_id() noexcept {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  request_id id;
  std::uint64_t bits = fast_random();
  for (std::size_t i = 0; i < 15; ++i) {
    if (i == 10)
      bits = fast_random();
    id.chars[i] = alphabet[bits & 63];
    bits >>= 6;
  }
  id.chars[15] = '=';
  return id;
}

std::string to_string(const digest& value) {
  return hex(value.bytes);
}

bool parse_digest(std::string_view text, digest& out) noexcept {
  const auto bytes = unhex(text);
  if (!bytes || bytes->size() != out.bytes.size())
    return false;
  std::memcpy(out.bytes.data(), bytes->data(), bytes->size());
  return true;
}

sha256_stream::sha256_stream() : context_{EVP_MD_CTX_new()} {
  if (context_ == nullptr || EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) != 1)
    std::abort();  // out of memory, or an OpenSSL without SHA-256
}

sha256_stream::~sha256_stream() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void sha256_stream::update(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}

digest sha256_stream::finish() {
  digest result;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), result.bytes.data(), nullptr);
  return result;
}

digest sha256(std::string_view bytes) {
  sha256_stream stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace troupe
