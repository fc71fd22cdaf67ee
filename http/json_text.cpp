#include "http/json_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "functions/json_scan.hpp"
#include "http/byte_class.hpp"

namespace troupe::http {

namespace {

constexpr std::uint32_t not_hex = 0x10000;

/// The four digits after `\u`, or `not_hex`.
std::uint32_t hex4(const char* digits) noexcept {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(digits[i]);
    if (digit < 0)
      return not_hex;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

bool is_high_surrogate(std::uint32_t unit) noexcept {
  return unit >= 0xd800 && unit <= 0xdbff;
}
bool is_low_surrogate(std::uint32_t unit) noexcept {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

char* write_utf8(char* to, std::uint32_t code) noexcept {
  const auto trail = [&](unsigned shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xc0 | code >> 6);
    *to++ = trail(0);
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xe0 | code >> 12);
    *to++ = trail(6);
    *to++ = trail(0);
  } else {
    *to++ = static_cast<char>(0xf0 | code >> 18);
    *to++ = trail(12);
    *to++ = trail(6);
    *to++ = trail(0);
  }
  return to;
}

/// What a backslash and `letter` stand for; 0: no such escape, or `u`.
char simple_escape(char letter) noexcept {
  switch (letter) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

/// How long the escape at `at` (a backslash) is; 0 when it is none.
std::size_t escape_length(const char* at, const char* end) noexcept {
  if (end - at < 2)
    return 0;
  if (simple_escape(at[1]) != 0)
    return 2;
  return at[1] == 'u' && end - at >= 6 && hex4(at + 2) < not_hex ? 6 : 0;
}

/// The next quote, backslash or control byte, or `end`.
const char* next_special(const char* at, const char* end) noexcept {
  while (at < end) {
    const auto count = std::min<std::size_t>(8, static_cast<std::size_t>(end - at));
    const auto word = count == 8 ? functions::load8(at) : functions::load_tail(at, count);
    if (const auto marks = functions::special_bytes(word); marks != 0)
      return at + functions::first_marked(marks);
    at += count;
  }
  return end;
}

const char* skip_digits(const char* at, const char* end) noexcept {
  return std::find_if(at, end, [](char c) { return c < '0' || c > '9'; });
}

bool is_json_number(std::string_view token) noexcept {
  const char* at = token.data();
  const char* const end = at + token.size();
  if (at < end && *at == '-')
    ++at;
  const char* const whole = at;
  at = skip_digits(at, end);
  if (at == whole || (*whole == '0' && at - whole > 1))
    return false;
  if (at < end && *at == '.') {
    const char* const fraction = ++at;
    at = skip_digits(at, end);
    if (at == fraction)
      return false;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-'))
      ++at;
    const char* const exponent = at;
    at = skip_digits(at, end);
    if (at == exponent)
      return false;
  }
  return at == end;
}

}  // namespace

bool is_json_string(std::string_view inside) noexcept {
  const char* const end = inside.data() + inside.size();
  for (const char* at = next_special(inside.data(), end); at < end; at = next_special(at, end)) {
    const auto length = *at == '\\' ? escape_length(at, end) : 0;
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

std::size_t unescape_json(char* const to, std::string_view inside) noexcept {
  char* out = to;
  const char* at = inside.data();
  const char* const end = at + inside.size();
  while (at < end) {
    const char* const special = next_special(at, end);
    const auto plain = static_cast<std::size_t>(special - at);
    std::memmove(out, at, plain);
    out += plain;
    at = special;
    if (at == end)
      break;
    if (at[1] != 'u') {
      *out++ = simple_escape(at[1]);
      at += 2;
      continue;
    }
    auto code = hex4(at + 2);
    at += 6;
    if (is_high_surrogate(code) && end - at >= 6 && at[0] == '\\' && at[1] == 'u' && is_low_surrogate(hex4(at + 2))) {
      code = 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
      at += 6;
    } else if (is_high_surrogate(code) || is_low_surrogate(code)) {
      code = 0xfffd;
    }
    out = write_utf8(out, code);
  }
  return static_cast<std::size_t>(out - to);
}

bool is_json_scalar(std::string_view token) noexcept {
  if (token.empty())
    return false;
  switch (token.front()) {
    case '"': return token.size() >= 2 && token.back() == '"' && is_json_string(token.substr(1, token.size() - 2));
    case 't': return token == "true";
    case 'f': return token == "false";
    case 'n': return token == "null";
    default: return is_json_number(token);
  }
}

std::string_view trim_json(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return text;
}

}  // namespace troupe::http
