// The first bytes of the msgpack values that frames are made of. For the *frame* files only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace troupe {

/// Bytes of a frame before its array: the length of what follows.
inline constexpr std::size_t length_bytes = 4;

namespace tags {

inline constexpr std::uint8_t nil = 0xc0;
inline constexpr std::uint8_t bin8 = 0xc4;
inline constexpr std::uint8_t bin32 = 0xc6;
inline constexpr std::uint8_t uint8 = 0xcc;
inline constexpr std::uint8_t uint64 = 0xcf;
inline constexpr std::uint8_t str8 = 0xd9;
inline constexpr std::uint8_t str32 = 0xdb;
inline constexpr std::uint8_t array16 = 0xdc;

inline constexpr std::uint8_t fix_array = 0x90;  // | size, in 4 bits
inline constexpr std::uint8_t fix_str = 0xa0;    // | size, in 5 bits
inline constexpr std::uint8_t never_used = 0xc1;

}  // namespace tags
}  // namespace troupe
