#include "cluster/wake_check.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct WakeCheckTest : testing::Test {
  const uuid one = make_fast_uuid();
  const uuid two = make_fast_uuid();
  const std::vector<uuid> both{one, two};
  time_point now{1'000s};
  wake_check check;
};

}  // namespace

TEST_F(WakeCheckTest, WithNobodyInReachTheCopyServesAtOnce) {
  check.slept();

  EXPECT_TRUE(check.may_serve({}, {7}));
  EXPECT_FALSE(check.may_serve(both, {7}));
}

TEST_F(WakeCheckTest, OnePeerThatIsNotAheadIsEnough) {
  check.slept();
  EXPECT_EQ(check.due(both, now), both);

  check.answered({9});
  EXPECT_FALSE(check.may_serve(both, {8}));
  EXPECT_TRUE(check.may_serve(both, {9}));
  check.answered({8});
  EXPECT_TRUE(check.may_serve(both, {8}));
}

TEST_F(WakeCheckTest, APeerIsAskedOnceAndAgainOnlyWhenItDidNotAnswer) {
  check.slept();
  check.due(both, now);
  EXPECT_TRUE(check.due(both, now + 10s).empty());

  check.failed(one, now);
  check.answered({9});

  EXPECT_TRUE(check.due(both, now + wake_check::ask_interval - 1ms).empty());
  EXPECT_EQ(check.due(both, now + wake_check::ask_interval), std::vector<uuid>{one});
  EXPECT_TRUE(check.due(both, now + 10s).empty());
}

TEST_F(WakeCheckTest, AnotherSleepForgetsWhatWasAnswered) {
  check.slept();
  check.due(both, now);
  check.answered({3});
  EXPECT_TRUE(check.may_serve(both, {3}));

  check.slept();

  EXPECT_FALSE(check.may_serve(both, {3}));
  EXPECT_EQ(check.due(both, now), both);
}
