#include "http/json_grammar.hpp"

#include <gtest/gtest.h>

#include <string>

using troupe::http::json_fault_at;
using troupe::http::max_json_depth;

TEST(JsonGrammarTest, TakesWhatTheGrammarTakes) {
  for (const auto* text : {"null", " true ", "-0.5e+10", "\"\"", "{}", "[]", "[[],{}]",
                           R"({"a":[1,{"b":null}],"c":"\"d"})", " { \"a\" : 1 } ", "123456789012345678901234567890",
                           "1e309", "-9223372036854775809", R"("\ud83d")", R"({"a":{"b":{}}, "c":[ ]})"})
    EXPECT_EQ(json_fault_at(text), std::nullopt) << text;
}

TEST(JsonGrammarTest, NamesTheByteThatCannotStandThere) {
  const std::pair<std::string, std::size_t> cases[] = {
      {"", 0},    {"{", 1},     {"[1,]", 3},      {"[1 2]", 3},   {"{\"a\":1,}", 7}, {"{a:1}", 1},
      {"01", 0},  {"1 2", 2},   {"\"abc", 0},     {"{\"a\"}", 4}, {"[1}", 2},        {"]", 0},
      {"nul", 0}, {"[\"\\", 1}, {"{\"a\" 1}", 5}, {"\"\n\"", 0}};
  for (const auto& [text, at] : cases)
    EXPECT_EQ(json_fault_at(text), std::optional{at}) << text;
}

TEST(JsonGrammarTest, DepthIsBounded) {
  EXPECT_EQ(json_fault_at(std::string(max_json_depth, '[') + std::string(max_json_depth, ']')), std::nullopt);
  EXPECT_EQ(json_fault_at(std::string(max_json_depth + 1, '[')), std::optional{max_json_depth});
}
