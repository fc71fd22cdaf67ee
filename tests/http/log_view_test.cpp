#include "http/log_view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

TEST(LogViewTest, APositionIsANumberOrNothing) {
  EXPECT_EQ(parse_log_position("").value(), 0u);
  EXPECT_EQ(parse_log_position("from=7").value(), 7u);
  for (const auto* query : {"from=", "from=-1", "from=1&from=2", "from=x", "to=1", "from=99999999999999999999"})
    EXPECT_EQ(parse_log_position(query).error().code, errc::bad_usage) << query;
}

TEST(LogViewTest, LinesOfHandlersCarryTimeAndCall) {
  actors::function_log_ring ring;
  ring.write("id-1", "printed");
  ring.write("", "caf\xe9");
  ring.write("id-1", "as the shim wrote it", actors::line_form::complete);

  const auto body = json::parse(logs_body("hello", "ring", ring.read()));

  ASSERT_EQ(body["lines"].size(), 3u);
  const auto first = body["lines"][0].get<std::string>();
  EXPECT_EQ(first.size(), std::string{"2026-11-25T12:00:00.000Z\tid-1\tprinted"}.size());
  EXPECT_TRUE(first.ends_with("Z\tid-1\tprinted")) << first;
  EXPECT_TRUE(body["lines"][1].get<std::string>().ends_with("Z\t-\tcaf\xc3\xa9"));
  EXPECT_EQ(body["lines"][2], "as the shim wrote it");
  EXPECT_EQ(body["next"], 4);
  EXPECT_EQ(body["function"], "hello");
  EXPECT_EQ(body["log"], "ring");
}

TEST(LogViewTest, SaysWhatWasOverwritten) {
  actors::function_log_ring ring;
  const std::string line(600'000, 'x');
  ring.write("", line);
  ring.write("", "two");
  ring.write("", "three");

  auto kept = ring.read(2);
  EXPECT_EQ(json::parse(logs_body("f", "r", kept))["lines"].size(), 2u);
  kept.overwritten = 9;
  kept.dropped = 3;
  const auto body = json::parse(logs_body("f", "r", kept));

  EXPECT_EQ(body["overwritten"], 9);
  EXPECT_EQ(body["dropped"], 3);
}
