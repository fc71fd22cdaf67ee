#include "config/log_text.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace troupe;

TEST(LogTextTest, OneByteThatIsNotPlainIsSeenAtEveryPlaceOfATextOfAnyLength) {
  for (std::size_t size = 0; size <= 40; ++size) {
    EXPECT_TRUE(is_plain_log_text(std::string(size, '~')));
    for (std::size_t at = 0; at < size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, byte % 2 == 0 ? ' ' : '#');
        text[at] = static_cast<char>(byte);
        const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        ASSERT_EQ(is_plain_log_text(text), plain) << "byte " << byte << " at " << at << " of " << size;
      }
  }
}

TEST(LogTextTest, PlainTextsStayAndOthersNeitherBreakJsonNorSpeakToATerminal) {
  const auto written = [](std::string_view text) {
    std::string line = ">";
    append_log_text(line, text);
    return line;
  };
  EXPECT_EQ(written("GET /shop/{id}"), ">GET /shop/{id}");
  EXPECT_EQ(written("a\"b\\c\nd"), ">a\\\"b\\\\c\\nd");
  EXPECT_EQ(written("\x1b[31m\x7f"), ">\\u001b[31m\\u007f");
  EXPECT_EQ(written("\xc2\x9b\xc3\xa4"), ">\\u009b\xc3\xa4");
  EXPECT_EQ(written("\xe4"), ">\xc3\xa4");
}

TEST(LogTextTest, TheTimeHasItsFormInFull) {
  std::string text(log_time_size, '?');
  format_log_time(std::span<char, log_time_size>{text.data(), log_time_size});
  EXPECT_EQ(text.find('?'), std::string::npos);
  EXPECT_EQ(text[10], 'T');
  EXPECT_EQ(text[19], '.');
  EXPECT_EQ(text[23], 'Z');
}
