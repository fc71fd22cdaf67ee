#include "functions/run_median.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::run_median;

namespace {

run_median& measure(run_median& median, int calls, duration each) {
  for (int i = 0; i < calls; ++i)
    median.measured(each);
  return median;
}

double ms(duration length) {
  return std::chrono::duration<double, std::milli>(length).count();
}

}  // namespace

TEST(RunMedianTest, IsUnknownBeforeTheFirstCallAndThenIsThatCall) {
  run_median median;
  EXPECT_EQ(median.value(), duration{});

  median.measured(milliseconds{20});

  EXPECT_EQ(median.value(), milliseconds{20});
}

TEST(RunMedianTest, EqualCallsAreHitExactly) {
  run_median median;
  EXPECT_EQ(measure(median, 100, milliseconds{50}).value(), milliseconds{50});
}

TEST(RunMedianTest, FollowsAChangeWithinHundredCalls) {
  run_median median;
  measure(median, 100, milliseconds{5});
  EXPECT_NEAR(ms(measure(median, 100, milliseconds{500}).value()), 500, 5);
  EXPECT_NEAR(ms(measure(median, 100, milliseconds{5}).value()), 5, 0.1);
}

TEST(RunMedianTest, FewOutliersDoNotMoveIt) {
  run_median median;
  for (int round = 0; round < 100; ++round) {
    measure(median, 9, milliseconds{10});
    median.measured(seconds{30});
    EXPECT_LT(ms(median.value()), 11);
  }
}

TEST(RunMedianTest, ACallOfNoTimeCounts) {
  run_median median;
  EXPECT_EQ(measure(median, 3, duration{}).value(), duration{1});
}
