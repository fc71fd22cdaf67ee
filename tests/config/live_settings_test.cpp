#include "config/live_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

using namespace troupe;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

loaded_settings loaded(std::vector<given_setting> flags) {
  auto result = load_all({{}, {}, std::move(flags)});
  EXPECT_THAT(result.faults, IsEmpty());
  return result;
}

const setting_state& row_of(const live_settings& node, std::string_view key) {
  return node.rows()[static_cast<std::size_t>(find_setting(key) - all_settings().data())];
}

constexpr milliseconds at{1'000};

}  // namespace

TEST(LiveSettingsTest, WhatMayChangeDoesAndSaysSo) {
  live_settings node{loaded({{"edge.max_fields", "50"}})};

  const auto change = node.take(loaded({{"edge.max_fields", "60"}, {"log.level", "debug"}}), at);

  ASSERT_THAT(change.changed, SizeIs(2));
  EXPECT_THAT(change.needs_restart, IsEmpty());
  EXPECT_EQ(change.changed[0].key, "edge.max_fields");
  EXPECT_EQ(change.changed[0].from, "50");
  EXPECT_EQ(change.changed[0].to, "60");
  EXPECT_EQ(node.running().edge.max_fields, 60u);
  EXPECT_EQ(node.running().log.level, log_level::debug);
  EXPECT_EQ(row_of(node, "log.level").reloaded_at, at);
  EXPECT_EQ(row_of(node, "log.format").reloaded_at, std::nullopt);
}

TEST(LiveSettingsTest, WhatNeedsARestartStaysUntilThen) {
  live_settings node{loaded({{"loops", "2"}})};

  auto change = node.take(loaded({{"loops", "3"}, {"errors", "truthful"}}), at);
  ASSERT_THAT(change.needs_restart, SizeIs(1));
  EXPECT_EQ(change.needs_restart[0].key, "loops");
  EXPECT_EQ(change.needs_restart[0].to, "3");
  EXPECT_THAT(change.changed, SizeIs(1));
  EXPECT_EQ(node.running().node.loops, 2u);
  EXPECT_EQ(row_of(node, "loops").after_restart, "3");

  change = node.take(loaded({{"loops", "3"}, {"errors", "truthful"}}), at);
  EXPECT_THAT(change.needs_restart, SizeIs(1)) << "it is still another one";
  EXPECT_THAT(change.changed, IsEmpty());

  change = node.take(loaded({{"loops", "2"}}), at);
  EXPECT_THAT(change.needs_restart, IsEmpty());
  EXPECT_EQ(row_of(node, "loops").after_restart, std::nullopt);
}

TEST(LiveSettingsTest, WhatIsLeftOutHasItsDefaultAgain) {
  live_settings node{loaded({{"drain.timeout", "5s"}})};
  EXPECT_EQ(to_string(row_of(node, "drain.timeout").place), "flag --drain-timeout");

  const auto change = node.take(loaded({}), at);

  EXPECT_THAT(change.changed, SizeIs(1));
  EXPECT_EQ(node.running().drain.timeout, seconds{30});
  EXPECT_EQ(to_string(row_of(node, "drain.timeout").place), "default");
}

TEST(LiveSettingsTest, TheSameAgainChangesNothingButPlaces) {
  live_settings node{loaded({{"edge.max_fields", "50"}})};

  const auto change = node.take(loaded({{"edge.max_fields", "50", "--set edge.max_fields"}}), at);

  EXPECT_THAT(change.changed, IsEmpty());
  EXPECT_THAT(change.needs_restart, IsEmpty());
  EXPECT_EQ(to_string(row_of(node, "edge.max_fields").place), "flag --set edge.max_fields");
}
