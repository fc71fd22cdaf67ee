// Answers damaged at random: whatever a worker sends, the reply is the bytes themselves, a checked response or an
// error.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "http/lambda_reply.hpp"

using namespace troupe;
using namespace troupe::http;

namespace {

constexpr std::string_view sample =
    R"({"statusCode": 200, "headers": {"x-a": "b\u00e4", "n": -1.5e3, "t": true}, "cookies": ["a=b", "c\t"],)"
    R"( "x": [[], {}, null, {"y": [1, "2", {"z": false}]}], "isBase64Encoded": false,)"
    R"( "body": "{\"message\":\"Hello \ud83d\ude00\"}"})";

std::string damaged(std::mt19937& random) {
  static constexpr std::string_view bytes = "{}[]\",:\\u0ed8 19-+.eEtrufalsn\x01\xe2\x98";
  std::string text{sample};
  for (auto faults = 1 + random() % 3; faults > 0; --faults) {
    const auto at = random() % std::max<std::size_t>(1, text.size());
    const char byte = bytes[random() % bytes.size()];
    switch (random() % 4) {
      case 0: text.replace(at, 1, 1, byte); break;
      case 1: text.insert(at, 1, byte); break;
      case 2: text.erase(at, 1 + random() % 4); break;
      default: text.resize(at + 1);
    }
  }
  return text;
}

bool are_lines(std::string_view fields) {
  while (!fields.empty()) {
    const auto end = fields.find("\r\n");
    const auto line = fields.substr(0, end);
    if (end == fields.npos || line.find(": ") == line.npos || line.find_first_of("\r\n") != line.npos)
      return false;
    fields.remove_prefix(end + 2);
  }
  return true;
}

}  // namespace

TEST(AnswerFuzzTest, AgreesWithAnotherParserOnWhatIsJson) {
  unsigned responses = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random{seed};
    const auto text = damaged(random);

    const auto got = make_reply(functions::json_answer{buffer{text}});

    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    const bool is_response = parsed.is_object() && parsed.contains("statusCode");
    // The other parser refuses lone surrogates and huge exponents, which are JSON all the same.
    const bool settled = text.find("\\u") == text.npos && text.find_first_of("eE") == text.npos;
    if (is_response) {
      EXPECT_FALSE(got && got->body_view() == text) << text;
    } else if (settled) {
      EXPECT_EQ(got->body_view(), parsed.is_string() ? parsed.get<std::string>() : text);
    }
    if (got) {
      EXPECT_TRUE(are_lines(got->fields)) << text;
      EXPECT_TRUE(got->status >= 200 && got->status <= 599) << text;
    }
    responses += is_response && got ? 1 : 0;
  }
  EXPECT_GT(responses, 200u) << "the damage leaves too little to look at";
}
