#include "http/object_reader.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace troupe;
using namespace troupe::http;

TEST(ObjectReaderTest, ABodyDoesNotEndAtANul) {
  using namespace std::string_literals;

  EXPECT_TRUE(parse_json_body("{\"a\":1} "));
  for (const auto& body : {"{\"a\":1}\0"s, "{\"a\":1}\0junk"s, "\0{}"s}) {
    const auto parsed = parse_json_body(body);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().what, "the body is not JSON");
  }
}
