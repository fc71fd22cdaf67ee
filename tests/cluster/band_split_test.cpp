#include "cluster/band_split.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace troupe::cluster {
namespace {

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

split_member member(std::uint8_t n, std::uint32_t running = 0, instance_band given = {}) {
  split_member made;
  made.node = id(n);
  made.is_home = n == 1;
  made.running = running;
  made.given = given;
  made.memory_left_bytes = 1000;
  return made;
}

using bands = std::vector<instance_band>;

bands split(split_limits limits, const std::vector<split_member>& members, lowering may_lower = lowering::allowed) {
  return split_band(limits, members, may_lower);
}

TEST(BandSplitTest, OfAFreshFunctionAllRoomIsTheHomes) {
  EXPECT_EQ(split({0, 5}, {member(2), member(1), member(3)}), (bands{{0, 0}, {0, 5}, {0, 0}}));
}

TEST(BandSplitTest, RoomIsWhereInstancesRunAlready) {
  EXPECT_EQ(split({0, 1}, {member(1), member(2, 1)}), (bands{{0, 0}, {0, 1}}));
  EXPECT_EQ(split({0, 5}, {member(1), member(2, 2)}), (bands{{0, 3}, {0, 2}}));
}

TEST(BandSplitTest, UnusedRoomStaysWhereItIs) {
  EXPECT_EQ(split({0, 5}, {member(1, 1, {0, 2}), member(2, 0, {0, 3})}), (bands{{0, 2}, {0, 3}}));
}

TEST(BandSplitTest, UnusedRoomGoesToTheNodeThatAsks) {
  auto asks = member(2);
  asks.wanted = 2;
  EXPECT_EQ(split({0, 5}, {member(1, 2, {0, 5}), asks}), (bands{{0, 3}, {0, 2}}));
  asks.wanted = 9;
  EXPECT_EQ(split({0, 5}, {member(1, 2, {0, 5}), asks}), (bands{{0, 2}, {0, 3}}));
}

TEST(BandSplitTest, TheOldestQueueIsAnsweredFirst) {
  auto young = member(2), old = member(3);
  young.wanted = old.wanted = 3;
  young.queue_age = milliseconds{30};
  old.queue_age = milliseconds{900};
  EXPECT_EQ(split({0, 4}, {member(1, 2), young, old}), (bands{{0, 2}, {0, 0}, {0, 2}}));
}

TEST(BandSplitTest, ANodeWithoutMemoryGetsNoRoomThatItAsksFor) {
  auto full = member(2);
  full.wanted = 4;
  full.fits = 1;
  EXPECT_EQ(split({0, 4}, {member(1), full}), (bands{{0, 3}, {0, 1}}));
}

TEST(BandSplitTest, AboveTheMaximumTheNodeGoesFirstThatHasNoCalls) {
  auto busy = member(2, 1, {0, 1});
  busy.outstanding = 4;
  EXPECT_EQ(split({0, 1}, {member(1, 1, {0, 1}), busy}), (bands{{0, 0}, {0, 1}}));
  EXPECT_EQ(split({0, 1}, {member(1, 1, {0, 1}), busy}, lowering::not_yet), (bands{{0, 0}, {0, 1}}))
      << "the maximum does not wait";
}

TEST(BandSplitTest, TheMinimumBeginsAtTheHomeAndGoesOnWhereMemoryIs) {
  auto roomy = member(3);
  roomy.memory_left_bytes = 2000;
  const std::vector<split_member> nodes{member(1), member(2), roomy};
  EXPECT_EQ(split({1, 0}, nodes), (bands{{1, 0}, {0, 0}, {0, 0}}));
  EXPECT_EQ(split({2, 0}, nodes), (bands{{1, 0}, {0, 0}, {1, 0}}));
  EXPECT_EQ(split({4, 0}, nodes), (bands{{2, 0}, {1, 0}, {1, 0}}));
}

TEST(BandSplitTest, TheMinimumTakesWhatRunsAlready) {
  EXPECT_EQ(split({1, 0}, {member(1), member(2, 1)}), (bands{{0, 0}, {1, 0}}));
  EXPECT_EQ(split({2, 2}, {member(1), member(2, 2, {0, 2})}), (bands{{0, 0}, {2, 2}})) << "nothing stops for it";
}

TEST(BandSplitTest, TheMinimumAvoidsANodeWithoutMemory) {
  auto full = member(1);
  full.fits = 0;
  EXPECT_EQ(split({1, 0}, {full, member(2)}), (bands{{0, 0}, {1, 0}}));
  auto other = member(2);
  other.fits = 0;
  EXPECT_EQ(split({1, 0}, {full, other}), (bands{{1, 0}, {0, 0}})) << "somebody has to";
}

TEST(BandSplitTest, OfTheMinimumANodeLeftBehindOnlyTheMissingPartMoves) {
  // Two of three are left; one of them had the other half.
  EXPECT_EQ(split({2, 0}, {member(1, 1, {1, 0}), member(2)}), (bands{{1, 0}, {1, 0}}));
}

TEST(BandSplitTest, MoreThanTheMinimumIsLoweredOnlyWhenAllowed) {
  const std::vector<split_member> nodes{member(1, 1, {1, 0}), member(2, 2, {2, 0})};
  EXPECT_EQ(split({2, 0}, nodes, lowering::not_yet), (bands{{1, 0}, {2, 0}}));
  EXPECT_EQ(split({2, 0}, nodes), (bands{{1, 0}, {1, 0}}));
}

TEST(BandSplitTest, ALowerMaximumCutsTheMinimumLast) {
  EXPECT_EQ(split({2, 2}, {member(1, 2, {1, 3}), member(2, 1, {1, 1})}), (bands{{1, 1}, {1, 1}}));
}

TEST(BandSplitTest, OfNobodyIsNothing) {
  EXPECT_TRUE(split({1, 2}, {}).empty());
}

}  // namespace
}  // namespace troupe::cluster
