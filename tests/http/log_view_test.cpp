#include "http/log_view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

namespace {

const std::string one = "0123456789abcdef";
const std::string two = "fedcba9876543210";

std::string text_at(const json& body, std::size_t index) {
  return body["lines"][index]["text"].get<std::string>();
}

}  // namespace

TEST(LogViewTest, LinesOfHandlersCarryTimeAndCall) {
  actors::function_log_ring ring;
  ring.write("id-1", "printed");
  ring.write("", "caf\xe9");
  ring.write("id-1", "as the shim wrote it", actors::line_form::complete);

  const auto body = json::parse(logs_body("hello", {log_part("n1", one, ring.read())}, {}, {}));

  ASSERT_EQ(body["lines"].size(), 3u);
  EXPECT_EQ(text_at(body, 0).size(), std::string{"2026-11-25T12:00:00.000Z\tid-1\tprinted"}.size());
  EXPECT_TRUE(text_at(body, 0).ends_with("Z\tid-1\tprinted")) << text_at(body, 0);
  EXPECT_TRUE(text_at(body, 1).ends_with("Z\t-\tcaf\xc3\xa9"));
  EXPECT_EQ(text_at(body, 2), "as the shim wrote it");
  EXPECT_EQ(body["lines"][0]["node"], "n1");
  EXPECT_GT(body["lines"][0]["unix_ms"], 1'700'000'000'000);
  EXPECT_EQ(body["next"], one + ":4");
  EXPECT_EQ(body["more"], false);
  EXPECT_EQ(body["function"], "hello");
  EXPECT_EQ(body["silent"], json::array());
}

TEST(LogViewTest, WhatIsLostOrSilentAtAnyNodeIsSaid) {
  const std::vector<journal_part> parts{{"n1", one, {{{7, 100, "", "a"}}, 8, 5}, false, 1},
                                        {"n2", two, {{{1, 90, "", "b"}}, 2, 4}, false, 2}};

  const auto body = json::parse(logs_body("f", parts, {"n3"}, {}));

  EXPECT_EQ(text_at(body, 0), "b");
  EXPECT_EQ(text_at(body, 1), "a");
  EXPECT_EQ(body["overwritten"], 9);
  EXPECT_EQ(body["dropped"], 3);
  EXPECT_EQ(body["silent"], json{"n3"});
}

TEST(LogViewTest, ALogIsNamedByTheStartOfItsNodeAndItsFunction) {
  const auto node = make_uuid();
  const auto function = make_uuid();

  const auto id = actors::log_id_of(node, function);

  EXPECT_EQ(id, actors::log_id_of(node, function));
  EXPECT_TRUE(parse_event_position("from=" + id + ":1")) << id;
  EXPECT_NE(id, actors::log_id_of(make_uuid(), function));
  EXPECT_NE(id, actors::log_id_of(node, make_uuid()));
}
