// What HTTP allows where, byte by byte: one table for the head scanner and the chunk decoder, so that they agree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::http {

enum byte_class : std::uint8_t {
  token_byte = 1,   ///< of a method or a field name
  target_byte = 2,  ///< 0x21 to 0x7e
  value_byte = 4,   ///< of a field value: HTAB, 0x20 to 0x7e, 0x80 to 0xff
  path_alert = 8,   ///< `?` `#` `%` `.`: a target without them needs no second look
  host_byte = 16,   ///< of a registered name: letters, digits, `-` `.` `_` `~`
};

inline constexpr std::array<std::uint8_t, 256> byte_classes = [] {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&](const char* bytes, std::uint8_t bits) {
    for (; *bytes != '\0'; ++bytes)
      table[static_cast<unsigned char>(*bytes)] |= bits;
  };
  for (unsigned c = 0x20; c < 0x100; ++c)
    table[c] = c == 0x7f ? 0 : value_byte;
  table['\t'] = value_byte;
  for (unsigned c = 0x21; c < 0x7f; ++c)
    table[c] |= target_byte;
  mark("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", token_byte | host_byte);
  mark("!#$%&'*+-.^_`|~", token_byte);
  mark("-._~", host_byte);
  mark("?#%.", path_alert);
  return table;
}();

constexpr std::uint8_t classes_of(char c) noexcept {
  return byte_classes[static_cast<unsigned char>(c)];
}
constexpr bool is(char c, byte_class wanted) noexcept {
  return (classes_of(c) & wanted) != 0;
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// Without the blanks and tabs at both ends.
inline std::string_view trimmed(const char* begin, const char* end) noexcept {
  while (begin != end && (*begin == ' ' || *begin == '\t'))
    ++begin;
  while (begin != end && (end[-1] == ' ' || end[-1] == '\t'))
    --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace troupe::http
