#include "http/json_text.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace troupe::http;

namespace {

std::string unescaped(std::string text) {
  text.resize(unescape_json(text.data(), text));
  return text;
}

}  // namespace

TEST(JsonTextTest, StringsOfEveryLengthAreChecked) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string plain(length, 'x');
    EXPECT_TRUE(is_json_string(plain));
    for (std::size_t at = 0; at < length; ++at)
      for (const char bad : {'"', '\\', '\x1f', '\0'}) {
        auto text = plain;
        text[at] = bad;
        EXPECT_FALSE(is_json_string(text)) << length << ' ' << at << ' ' << static_cast<int>(bad);
      }
  }
  EXPECT_TRUE(is_json_string("\x7f\xff \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00Ff"));
  for (const auto* bad : {"\\x", "\\u123", "\\u12g4", "\\U0041", "abcdefg\\"})
    EXPECT_FALSE(is_json_string(bad)) << bad;
}

TEST(JsonTextTest, UnescapesInPlace) {
  EXPECT_EQ(unescaped(R"(a\"b\\c\/d\b\f\n\r\te)"), "a\"b\\c/d\b\f\n\r\te");
  EXPECT_EQ(unescaped(R"(\u0041\u00e4\u2615\ud83d\ude00)"), "A\u00e4\u2615\U0001f600");
  EXPECT_EQ(unescaped(R"(long stretches \" between \" the escapes \" stay whole)"),
            "long stretches \" between \" the escapes \" stay whole");
  EXPECT_EQ(unescaped(R"(\ud83d\ud83d\ude00\ud83dx)"), "\ufffd\U0001f600\ufffdx");
}

TEST(JsonTextTest, ScalarsAreWholeOrNone) {
  for (const auto* good : {"0", "-0", "12", "-1.5", "1e5", "1E+5", "0.1e-7", "true", "false", "null", "\"\"", "\"a\""})
    EXPECT_TRUE(is_json_scalar(good)) << good;
  for (const auto* bad :
       {"", "-", "01", "1.", ".5", "1e", "1e+", "+1", "1 2", "tru", "truee", "nul", "\"", "\"a", "0x1", "NaN"})
    EXPECT_FALSE(is_json_scalar(bad)) << bad;
}
