#include "config/text.hpp"

#include <openssl/evp.h>
#include <cstdio>
#include <ctime>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Of a character that base64 does not have; above all that it has.
constexpr std::uint32_t no_base64 = 64;

std::uint32_t base64_value(char c) noexcept {
  static constexpr auto values = [] {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 256> table{};
    table.fill(no_base64);
    for (std::size_t i = 0; i < digits.size(); ++i)
      table[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return table;
  }();
  return values[static_cast<unsigned char>(c)];
}

}  // namespace

std::string percent_decode(std::string_view text) {
  return decode(text, false);
}
std::string query_decode(std::string_view text) {
  return decode(text, true);
}

bool is_utf8(std::string_view bytes) noexcept {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(bytes[k]); };
  const auto continues = [&](std::size_t k) { return k < bytes.size() && (at(k) & 0xc0) == 0x80; };
  while (i < bytes.size()) {
    const unsigned char lead = at(i);
    if (lead < 0x80) {
      ++i;
    } else if (lead >= 0xc2 && lead <= 0xdf) {
      if (!continues(i + 1))
        return false;
      i += 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      if (!continues(i + 1) || !continues(i + 2))
        return false;
      // Table 3-7 of the Unicode standard: no overlong forms, no surrogates.
      if ((lead == 0xe0 && at(i + 1) < 0xa0) || (lead == 0xed && at(i + 1) > 0x9f))
        return false;
      i += 3;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      if (!continues(i + 1) || !continues(i + 2) || !continues(i + 3))
        return false;
      if ((lead == 0xf0 && at(i + 1) < 0x90) || (lead == 0xf4 && at(i + 1) > 0x8f))
        return false;
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 8);
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xc0 | u >> 6));
      out.push_back(static_cast<char>(0x80 | (u & 0x3f)));
    }
  }
  return out;
}

void base64_append(std::string& out, std::string_view bytes) {
  const auto start = out.size();
  const auto length = (bytes.size() + 2) / 3 * 4;
  out.resize(start + length + 1);  // EVP_EncodeBlock writes a terminating NUL
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data() + start),
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(start + length);
}

std::string base64_encode(std::string_view bytes) {
  std::string out;
  base64_append(out, bytes);
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  while (!text.empty() && text.back() == '=' && text.size() % 4 == 0 && text.size() >= 2) {
    text.remove_suffix(text[text.size() - 2] == '=' ? 2 : 1);
    break;
  }
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string out(text.size() * 3 / 4, '\0');
  auto* at = out.data();
  // Bodies of megabytes come this way on an event loop, so that neither a branch nor a check of room is made per byte.
  std::size_t i = 0;
  for (; i + 4 <= text.size(); i += 4) {
    const std::uint32_t a = base64_value(text[i]), b = base64_value(text[i + 1]), c = base64_value(text[i + 2]),
                        d = base64_value(text[i + 3]);
    if ((a | b | c | d) >= no_base64)
      return std::nullopt;
    const auto bits = a << 18 | b << 12 | c << 6 | d;
    *at++ = static_cast<char>(bits >> 16);
    *at++ = static_cast<char>(bits >> 8);
    *at++ = static_cast<char>(bits);
  }
  if (i == text.size())
    return out;
  const std::uint32_t a = base64_value(text[i]), b = base64_value(text[i + 1]),
                      c = i + 2 < text.size() ? base64_value(text[i + 2]) : 0;
  if ((a | b | c) >= no_base64)
    return std::nullopt;
  const auto bits = a << 18 | b << 12 | c << 6;
  *at++ = static_cast<char>(bits >> 16);
  if (i + 2 < text.size())
    *at++ = static_cast<char>(bits >> 8);
  return out;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto b : bytes) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0)
    return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

void json_escape_append(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      default: out.append("\\u00").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    }
  }
  out.append(text, plain, text.size() - plain);
}

std::string in_quotes(std::string_view name) {
  constexpr std::size_t longest = 200;
  std::string escaped;
  json_escape_append(escaped, is_utf8(name) ? std::string{name} : latin1_to_utf8(name));
  if (escaped.size() > longest) {
    auto cut = longest;
    while (cut > 0 && (static_cast<unsigned char>(escaped[cut]) & 0xc0) == 0x80)
      --cut;
    escaped.resize(cut);
    escaped += "...";
  }
  return "'" + escaped + "'";
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string utc_text(std::chrono::milliseconds wall) {
  const auto seconds = static_cast<std::time_t>(wall.count() / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(wall.count() % 1000));
  return text;
}

}  // namespace troupe
