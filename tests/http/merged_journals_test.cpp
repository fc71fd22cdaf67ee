#include "http/merged_journals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::http;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

const std::string one = "0123456789abcdef";
const std::string two = "fedcba9876543210";

actors::journal_event event_at(std::uint64_t sequence, std::int64_t unix_ms, std::string text) {
  return {sequence, unix_ms, "kind", std::move(text)};
}

std::vector<std::string> texts_of(const merged_journals& merged) {
  std::vector<std::string> texts;
  for (const auto& [node, event] : merged.entries)
    texts.push_back(*node + ":" + event->text);
  return texts;
}

}  // namespace

TEST(MergedJournalsTest, WhatIsLaterThanAPartWithMoreToComeIsLeftForTheNextTurn) {
  const std::vector<journal_part> parts{
      {"a", one, {{event_at(1, 100, "1"), event_at(2, 200, "2")}, 3, 0}, true},
      {"b", two, {{event_at(4, 150, "4"), event_at(5, 250, "5"), event_at(6, 260, "6")}, 7, 0}}};

  const auto merged = merge(parts, {});

  EXPECT_THAT(texts_of(merged), ElementsAre("a:1", "b:4", "a:2"));
  EXPECT_EQ(merged.next, (event_position{{one, 3}, {two, 5}}));
  EXPECT_TRUE(merged.more);
}

TEST(MergedJournalsTest, AClockThatWentBackDoesNotKeepAReaderInItsPlace) {
  const std::vector<journal_part> parts{{"a", one, {{event_at(1, 500, "1"), event_at(2, 100, "2")}, 3, 0}, true},
                                        {"b", two, {{event_at(1, 400, "1"), event_at(2, 410, "2")}, 3, 0}, true}};

  const auto merged = merge(parts, {});

  EXPECT_THAT(texts_of(merged), ElementsAre("a:2", "a:1"));
  EXPECT_EQ(merged.next, (event_position{{one, 3}, {two, 1}}));
}

TEST(MergedJournalsTest, LinesOfOneNumberComeTogether) {
  const std::vector<journal_part> parts{
      {"a", one, {{event_at(1, 100, "1")}, 2, 0}, true},
      {"b", two, {{event_at(1, 90, "start"), event_at(2, 200, "end"), event_at(2, 200, "report")}, 3, 0}}};

  const auto first = merge(parts, {});
  EXPECT_THAT(texts_of(first), ElementsAre("b:start", "a:1"));
  EXPECT_EQ(first.next, (event_position{{one, 2}, {two, 2}}));
  EXPECT_THAT(texts_of(merge({parts[1]}, {})), ElementsAre("b:start", "b:end", "b:report"));
}

TEST(MergedJournalsTest, APositionIsWhatAnAnswerGaveOrNothing) {
  EXPECT_THAT(parse_event_position("").value(), IsEmpty());
  EXPECT_EQ(parse_event_position("from=" + one + ":7").value(), (event_position{{one, 7}}));
  for (const auto& query :
       std::vector<std::string>{"from=", "from=7", "to=" + one + ":7", "from=" + one, "from=" + one + ":",
                                "from=" + one + ":x", "from=" + one + ":7,", "from=," + one + ":7",
                                "from=" + one + ":7," + one + ":8", "from=" + one + ":7&from=" + two + ":8",
                                "from=0123456789ABCDEF:7", "from=012345:7", "from=" + one + ":99999999999999999999"}) {
    const auto refused = parse_event_position(query);
    ASSERT_FALSE(refused) << query;
    EXPECT_EQ(refused.error().code, errc::bad_usage);
  }
}
