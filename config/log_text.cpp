#include "config/log_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "config/clock.hpp"
#include "config/text.hpp"

namespace troupe {

namespace {

constexpr std::uint64_t each_byte(std::uint8_t value) noexcept {
  return 0x0101010101010101u * value;
}

/// Not zero when one of eight bytes is a control character, a quote, a backslash, or none of ASCII. A borrow can mark
/// a byte too many, but only behind one that is marked rightly.
std::uint64_t marks(const char* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto equal = [word](char c) {
    const auto differs = word ^ each_byte(static_cast<std::uint8_t>(c));
    return (differs - each_byte(1)) & ~differs;
  };
  const auto below_space = (word - each_byte(' ')) & ~word;
  return (below_space | equal('"') | equal('\\') | equal('\x7f') | word) & each_byte(0x80);
}

bool is_plain(char c) noexcept {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
}

}  // namespace

void format_log_time(std::span<char, log_time_size> out) noexcept {
  // The same for all lines of a second: a gateway writes thousands of them.
  thread_local std::time_t known = -1;
  thread_local std::array<char, 32> text{};
  const auto now = wall_now().count();
  if (const std::time_t second = now / 1000; second != known) {
    std::tm utc{};
    ::gmtime_r(&second, &utc);
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc);
    known = second;
  }
  std::memcpy(out.data(), text.data(), 20);
  const auto milliseconds_of_second = static_cast<unsigned>(now % 1000);
  out[20] = static_cast<char>('0' + milliseconds_of_second / 100);
  out[21] = static_cast<char>('0' + milliseconds_of_second / 10 % 10);
  out[22] = static_cast<char>('0' + milliseconds_of_second % 10);
  out[23] = 'Z';
}

bool is_plain_log_text(std::string_view text) noexcept {
  if (text.size() < sizeof(std::uint64_t))
    return std::all_of(text.begin(), text.end(), is_plain);
  const auto last = text.size() - sizeof(std::uint64_t);
  for (std::size_t i = 0; i < last; i += sizeof(std::uint64_t))
    if (marks(text.data() + i) != 0)
      return false;
  return marks(text.data() + last) == 0;
}

void append_log_text(std::string& line, std::string_view text) {
  if (is_plain_log_text(text)) {
    line.append(text);
    return;
  }
  const auto utf8 = is_utf8(text) ? std::string{text} : latin1_to_utf8(text);
  std::size_t plain = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    // DEL, and U+0080 to U+009F, which terminals obey as they do ESC.
    const bool c1 = utf8[i] == '\xc2' && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xa0;
    if (utf8[i] != '\x7f' && !c1)
      continue;
    json_escape_append(line, std::string_view{utf8}.substr(plain, i - plain));
    const auto code = static_cast<std::uint8_t>(utf8[c1 ? ++i : i]);
    line.append("\\u00").append(hex({&code, 1}));
    plain = i + 1;
  }
  json_escape_append(line, std::string_view{utf8}.substr(plain));
}

}  // namespace troupe
