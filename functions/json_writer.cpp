#include "functions/json_writer.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

#include "config/text.hpp"
#include "functions/json_scan.hpp"

namespace troupe::functions {

namespace {

std::uint64_t lower8(std::uint64_t word) noexcept {
  const auto low_bits = word & ~high_bits;
  const auto from_a = low_bits + every(0x80 - 'A');
  const auto beyond_z = low_bits + every(0x7f - 'Z');
  const auto upper = (from_a ^ beyond_z) & ~word & high_bits;
  return word | upper >> 2;
}

constexpr std::size_t longest_escape = 6;  // \u00XX
constexpr std::size_t piece = 4096;        // so that the worst case of a large body is not reserved at once

}  // namespace

void json_writer::grow(std::size_t count) {
  finish();
  const auto space = out_.room(count);
  base_ = at_ = space.data();
  end_ = at_ + space.size();
}

void json_writer::padded(unsigned value, unsigned digits) {
  need(digits);
  for (auto i = digits; i-- > 0; value /= 10)
    at_[i] = static_cast<char>('0' + value % 10);
  at_ += digits;
}

void json_writer::escape_byte(unsigned char c) {
  static constexpr char digits[] = "0123456789abcdef";
  *at_++ = '\\';
  switch (c) {
    case '"': *at_++ = '"'; return;
    case '\\': *at_++ = '\\'; return;
    case '\n': *at_++ = 'n'; return;
    case '\r': *at_++ = 'r'; return;
    case '\t': *at_++ = 't'; return;
    default: break;
  }
  std::memcpy(at_, "u00", 3);
  at_[3] = digits[c >> 4];
  at_[4] = digits[c & 15];
  at_ += 5;
}

/// @returns non-zero when a byte of 0x80 or above was among them; those are written as they are.
template <bool Lower>
std::uint64_t json_writer::escape(const char* from, std::size_t count) {
  need(count * longest_escape + 8);  // whole words are stored, also for the last bytes
  std::uint64_t seen = 0;
  for (;;) {
    const std::size_t step = std::min<std::size_t>(count, 8);
    auto word = count >= 8 ? load8(from) : load_tail(from, count);
    if constexpr (Lower)
      word = lower8(word);
    seen |= word;
    std::memcpy(at_, &word, 8);
    if (const auto special = special_bytes(word); special != 0) [[unlikely]] {
      const auto plain = first_marked(special);
      at_ += plain;
      escape_byte(static_cast<unsigned char>(from[plain]));
      from += plain + 1;
      count -= plain + 1;
      continue;
    }
    at_ += step;
    from += step;
    count -= step;
    if (count == 0)
      return seen & high_bits;
  }
}

template <bool Lower>
void json_writer::checked_text(std::string_view bytes) {
  if (bytes.size() > piece) {
    const auto converted = is_utf8_text(bytes) ? std::string{bytes} : latin1_to_utf8(bytes);
    utf8_text(Lower ? to_lower(converted) : converted);
    return;
  }
  need(bytes.size() * longest_escape + 8);
  char* const start = at_;
  if (escape<Lower>(bytes.data(), bytes.size()) != 0 && !is_utf8(bytes)) {
    at_ = start;
    const auto converted = latin1_to_utf8(bytes);
    escape<Lower>(converted.data(), converted.size());
  }
}

void json_writer::text(std::string_view bytes) {
  checked_text<false>(bytes);
}
void json_writer::lower_text(std::string_view bytes) {
  checked_text<true>(bytes);
}

void json_writer::utf8_text(std::string_view bytes) {
  if (bytes.size() > piece)
    need(bytes.size() + bytes.size() / 8);
  for (std::size_t done = 0; done < bytes.size(); done += piece)
    escape<false>(bytes.data() + done, std::min(piece, bytes.size() - done));
}

void json_writer::base64(std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr auto pairs = [] {
    std::array<std::array<char, 2>, 4096> table{};
    for (std::size_t i = 0; i < table.size(); ++i)
      table[i] = {digits[i >> 6], digits[i & 63]};
    return table;
  }();
  need((bytes.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3, at_ += 4) {
    const auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    std::memcpy(at_, pairs[bits >> 12].data(), 2);
    std::memcpy(at_ + 2, pairs[bits & 4095].data(), 2);
  }
  const auto rest = bytes.size() - i;
  if (rest == 0)
    return;
  const auto bits = byte(i) << 16 | (rest == 2 ? byte(i + 1) << 8 : 0);
  std::memcpy(at_, pairs[bits >> 12].data(), 2);
  at_[2] = rest == 2 ? digits[bits >> 6 & 63] : '=';
  at_[3] = '=';
  at_ += 4;
}

bool is_utf8_text(std::string_view bytes) noexcept {
  return simdjson::validate_utf8(bytes.data(), bytes.size());
}

}  // namespace troupe::functions
