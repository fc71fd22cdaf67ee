#include "config/text.hpp"

#include <gtest/gtest.h>

using namespace troupe;

TEST(TextTest, PercentDecodingLeavesMalformedEscapesAsTheyAre) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(query_decode("a+b%2B"), "a b+");
}

TEST(TextTest, Utf8RefusesOverlongFormsSurrogatesAndCutSequences) {
  EXPECT_TRUE(is_utf8("plain \xc3\xa9 \xe2\x98\x95 \xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xe2\x98"));
  EXPECT_FALSE(is_utf8("\xff"));
}

TEST(TextTest, Base64ComesBackAsItWent) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_decode("Zm8"), "fo");
  EXPECT_EQ(base64_decode("Zm8="), "fo");
  EXPECT_EQ(base64_decode("Zm 8="), std::nullopt);
  EXPECT_EQ(base64_decode("Z"), std::nullopt);
  EXPECT_EQ(base64_decode("===="), std::nullopt);
}

TEST(TextTest, Base64RefusesWhatItDoesNotHaveAtEveryPlace) {
  for (const std::string_view good : {"Zm9vYmFy", "Zm9vYmE", "Zm9vYg"}) {
    for (std::size_t place = 0; place < good.size(); ++place) {
      for (const char stranger : {'=', ' ', '-', '_', '.', '@', '[', '`', '{', '\0', '\x80', '\xff'}) {
        std::string text{good};
        text[place] = stranger;
        // Padding is no stranger at the end, where the text is shorter without it.
        if (stranger == '=' && place + 1 == text.size() && text.size() % 4 == 0)
          continue;
        EXPECT_EQ(base64_decode(text), std::nullopt) << text;
      }
    }
  }
}

TEST(TextTest, Base64OfEveryByteComesBack) {
  std::string bytes;
  for (int round = 0; round < 3; ++round)
    for (int byte = 0; byte < 256; ++byte)
      bytes.push_back(static_cast<char>(byte * 7 + round));
  for (const std::size_t length : {767U, 768U, 766U})
    EXPECT_EQ(base64_decode(base64_encode(std::string_view{bytes}.substr(0, length))), bytes.substr(0, length));
}

TEST(TextTest, JsonEscapingCoversControlsQuotesAndBackslashes) {
  std::string out;
  json_escape_append(out, std::string_view{"a\"b\\c\n\x01\0d", 9});
  EXPECT_EQ(out, "a\\\"b\\\\c\\n\\u0001\\u0000d");
}
