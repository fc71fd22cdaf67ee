#include "http/cluster_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;
using testing::ElementsAre;

namespace {

const std::string one = "0123456789abcdef";
const std::string two = "fedcba9876543210";

actors::journal_event event_at(std::uint64_t sequence, std::int64_t unix_ms, std::string text) {
  return {sequence, unix_ms, "kind", std::move(text)};
}

std::vector<std::string> texts_of(const json& body) {
  std::vector<std::string> texts;
  for (const auto& event : body["events"])
    texts.push_back(event["node"].get<std::string>() + ":" + event["text"].get<std::string>());
  return texts;
}

}  // namespace

TEST(ClusterViewTest, ANodeShowsWhatIsKnownAndNullForTheRest) {
  node_view ready{"a", make_uuid(), "primary", "ready", 1234, "0.1.0", "10.0.0.1:7000"};
  ready.store = {7, 0, "d1", 60'000};
  ready.load = {3, 2};
  ready.functions = {"hello", "shop"};
  const node_view gone{"b", make_uuid(), "copy", "gone"};

  const auto body = nodes_body(std::vector{ready, gone});
  const auto nodes = json::parse(body);

  EXPECT_TRUE(body.ends_with("]\n"));
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0]["id"], to_string(ready.id));
  EXPECT_EQ(nodes[0]["age_ms"], 1234);
  EXPECT_EQ(nodes[0]["store"], (json{{"cursor", 7}, {"lag", 0}, {"digest", "d1"}, {"backup_age_ms", 60'000}}));
  EXPECT_EQ(nodes[0]["load"], (json{{"in_flight", 3}, {"ready", 2}}));
  EXPECT_EQ(nodes[0]["functions"], (json{"hello", "shop"}));
  for (const auto* member : {"age_ms", "version", "cluster"})
    EXPECT_TRUE(nodes[1][member].is_null()) << member;
  for (const auto* member : {"cursor", "lag", "digest", "backup_age_ms"})
    EXPECT_TRUE(nodes[1]["store"][member].is_null()) << member;
  EXPECT_TRUE(nodes[1]["functions"].is_array());
  EXPECT_EQ(nodes_body({}), "[]\n");
}

TEST(ClusterViewTest, EventsOfAllNodesComeByTimeAndEachKeepsItsPlace) {
  const std::vector<journal_part> parts{{"a", one, {{event_at(5, 100, "first"), event_at(6, 300, "third")}, 7, 4}},
                                        {"b", two, {{event_at(1, 200, "second"), event_at(2, 300, "fourth")}, 3, 1}}};

  const auto body = json::parse(events_body(parts, {"c"}, {{"aaaaaaaaaaaaaaaa", 9}, {one, 5}}));

  EXPECT_THAT(texts_of(body), ElementsAre("a:first", "b:second", "a:third", "b:fourth"));
  EXPECT_EQ(body["overwritten"], 5);
  EXPECT_EQ(body["silent"], json{"c"});
  EXPECT_EQ(body["events"][0]["unix_ms"], 100);
  EXPECT_EQ(body["events"][0]["kind"], "kind");
  const auto next = parse_event_position("from=" + body["next"].get<std::string>());
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, (event_position{{one, 7}, {two, 3}, {"aaaaaaaaaaaaaaaa", 9}}));
}
