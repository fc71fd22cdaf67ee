#include "functions/cold_time.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;

namespace {

/// All in milliseconds since some instant.
long cold_ms(int arrived, int begun, int start_begun, int loaded) {
  const auto at = [](int ms) { return time_point{seconds{1000}} + milliseconds{ms}; };
  return std::chrono::duration_cast<milliseconds>(cold_time(at(arrived), at(begun), at(start_begun), at(loaded)))
      .count();
}

TEST(ColdTimeTest, ACallThatFindsAnInstanceHasNone) {
  EXPECT_EQ(cold_ms(100, 100, 0, 50), 0);
}

TEST(ColdTimeTest, ACallThatWaitsForItsTurnAtAnInstanceThatRanBeforeHasNone) {
  EXPECT_EQ(cold_ms(100, 900, 0, 50), 0);
}

TEST(ColdTimeTest, OfACallThatFindsNoInstanceTheWholeStartCounts) {
  EXPECT_EQ(cold_ms(100, 181, 101, 180), 79);
}

TEST(ColdTimeTest, OfAStartThatRunsAlreadyTheRestCounts) {
  EXPECT_EQ(cold_ms(100, 180, 0, 180), 80);
}

TEST(ColdTimeTest, WhatItWaitedForAnotherInstanceBeforeDoesNotCount) {
  EXPECT_EQ(cold_ms(0, 1024, 1019, 1023), 4);
}

TEST(ColdTimeTest, NorDoesWhatItWaitedForItsTurnBehindTheStart) {
  EXPECT_EQ(cold_ms(0, 500, 10, 90), 80);
}

TEST(ColdTimeTest, TwoLoopsClocksMayBeABatchApart) {
  EXPECT_EQ(cold_ms(100, 99, 0, 98), 0);
  EXPECT_EQ(cold_ms(100, 99, 101, 102), 0);
}

}  // namespace
