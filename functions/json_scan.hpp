// The inside of JSON strings eight bytes at a time: what writes events and what reads answers both look for the same
// bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace troupe::functions {

static_assert(std::endian::native == std::endian::little, "the eight-byte steps below count bytes from the low end");

constexpr std::uint64_t every(unsigned char byte) noexcept {
  return 0x0101010101010101u * byte;
}
inline constexpr std::uint64_t high_bits = every(0x80);

inline std::uint64_t load8(const char* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, 8);
  return word;
}

/// The `count` (0 to 7) bytes from `from` on in the low end, blanks above; reads nothing beyond them.
inline std::uint64_t load_tail(const char* from, std::size_t count) noexcept {
  const auto byte = [&](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i); };
  if (count == 0)
    return every(' ');
  std::uint64_t word = 0;
  if (count >= 4) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + count - 4, 4);
    word = low | std::uint64_t{high} << (8 * (count - 4));
  } else {
    word = byte(0) | byte(count / 2) | byte(count - 1);
  }
  return word | every(' ') << (8 * count);
}

/// Marks (0x80) the first byte below 0x20, quote or backslash; bits above the first mark mean nothing.
inline std::uint64_t special_bytes(std::uint64_t word) noexcept {
  const auto quote = word ^ every('"');
  const auto backslash = word ^ every('\\');
  const auto control = (word - every(0x20)) & ~word;
  return (control | ((quote - every(1)) & ~quote) | ((backslash - every(1)) & ~backslash)) & high_bits;
}

/// Index of the byte that the lowest mark of `special_bytes` stands for. @param marks  not 0.
inline std::size_t first_marked(std::uint64_t marks) noexcept {
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

}  // namespace troupe::functions
