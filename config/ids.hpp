// Identities as types of their own.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

/// 16 random bytes, written as a UUID (version 4).
struct uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const uuid&) const = default;
};

/// A UUID from the operating system's random source: for identities that last. May not be called on the request path.
uuid make_uuid();
/// A UUID from this thread's own generator: for invocations. Not a secret.
uuid make_fast_uuid() noexcept;
std::string to_string(const uuid& id);
/// Writes the 36 characters of `id`, without a terminating NUL.
void format(const uuid& id, std::span<char, 36> out) noexcept;
/// @returns the nil UUID when `text` is none.
uuid parse_uuid(std::string_view text) noexcept;

/// What a client and the handler see of a request: 15 characters of `[A-Za-z0-9_-]` and `=`.
struct request_id {
  std::array<char, 16> chars{};
  std::string_view view() const noexcept { return {chars.data(), chars.size()}; }
};

/// A request id from this thread's own generator.
request_id make_request_id() noexcept;

/// 64 bits of this thread's own generator, seeded from the operating system. Not for secrets.
std::uint64_t fast_random() noexcept;

/// SHA-256 of a blob.
struct digest {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const digest&) const = default;
};

std::string to_string(const digest& value);  ///< 64 lower-case hex digits
/// @returns false when `text` is not 64 hex digits.
bool parse_digest(std::string_view text, digest& out) noexcept;
digest sha256(std::string_view bytes);

/// SHA-256 over bytes that come in pieces.
class sha256_stream {
public:
  sha256_stream();
  ~sha256_stream();
  sha256_stream(const sha256_stream&) = delete;
  sha256_stream& operator=(const sha256_stream&) = delete;
  void update(std::string_view bytes);
  digest finish();

private:
  void* context_;
};

}  // namespace troupe

template <>
struct std::hash<troupe::uuid> {
  std::size_t operator()(const troupe::uuid& id) const noexcept {
    std::size_t value = 0;
    for (int i = 0; i < 8; ++i)
      value = value << 8 | id.bytes[static_cast<std::size_t>(i)];
    return value;
  }
};
