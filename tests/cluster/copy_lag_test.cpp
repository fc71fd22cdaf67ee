#include "cluster/copy_lag.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

constexpr time_point start{100s};

}  // namespace

TEST(CopyLagTest, ACommitThatCameAfterTheOtherNodesLastWordIsNotMissing) {
  copy_lag lag;
  lag.note(7, start);
  lag.note(8, start + 10s);

  EXPECT_EQ(lag.of(7, start + 9s), 0u) << "the word is older";
  EXPECT_EQ(lag.of(7, start + 10s + 300ms), 0u) << "it had left before";
  EXPECT_EQ(lag.of(7, start + 12s), 1u);
  EXPECT_EQ(lag.of(8, start + 12s), 0u);
}

TEST(CopyLagTest, WhatIsMissingCountsAlsoWhileMoreComes) {
  copy_lag lag;
  for (std::uint64_t i = 1; i <= 400; ++i)
    lag.note(i, start + static_cast<int>(i) * 50ms);
  const auto now = start + 20s;

  EXPECT_GE(lag.of(5, now), 370u);
  EXPECT_LE(lag.of(5, now), 376u) << "the last second does not count";
  EXPECT_EQ(lag.of(395, now), 0u);
}

TEST(CopyLagTest, WhoIsAheadOfThisNodeLacksNothing) {
  copy_lag lag;
  lag.note(7, start);

  EXPECT_EQ(lag.of(9, start + 5s), 0u);
}

TEST(CopyLagTest, NothingOfAHistoryThatWasReplacedCounts) {
  copy_lag lag;
  lag.note(50, start);
  lag.note(20, start + 10s);

  EXPECT_EQ(lag.of(20, start + 20s), 0u);
  EXPECT_EQ(lag.of(18, start + 20s), 2u);
}

TEST(CopyLagTest, AnOldCommitIsRememberedForEver) {
  copy_lag lag;
  lag.note(7, start);
  lag.note(8, start + 1s);
  for (int i = 0; i < 100; ++i)
    lag.note(8, start + 1s + i * 60s);

  EXPECT_EQ(lag.of(7, start + 6'000s), 1u);
}
