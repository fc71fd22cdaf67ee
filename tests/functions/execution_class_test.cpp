#include "functions/execution_class.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;

namespace {

using std::chrono::microseconds;
constexpr time_point start{std::chrono::hours{1}};

class ClassJudgeTest : public ::testing::Test {
protected:
  /// So many calls, one by one, all measured. @returns how often the class changed.
  int calls(int count, duration cpu, std::uint64_t waited = 0) {
    int changes = 0;
    for (int i = 0; i < count; ++i) {
      call_samples one;
      one.add_measured(cpu, waited, limits);
      changes += judge.take(one, now) ? 1 : 0;
    }
    return changes;
  }
  void unmeasured(std::uint32_t count) {
    call_samples many;
    many.calls = count;
    EXPECT_FALSE(judge.take(many, now));
  }
  void promote() {
    ASSERT_EQ(calls(static_cast<int>(limits.samples), microseconds{5}), 1);
    ASSERT_EQ(judge.current(), execution_class::inlined);
  }
  /// From `inlined`: demotes, then finds by asking how long nothing promotes it again.
  duration wait_after_demotion() {
    EXPECT_EQ(calls(2, milliseconds{5}), 1);
    const auto demoted_at = now;
    while (calls(static_cast<int>(limits.samples), microseconds{5}) == 0)
      now += milliseconds{500};
    return now - demoted_at;
  }

  execution_limits limits;
  class_judge judge{limits};
  time_point now = start;
};

}  // namespace

TEST_F(ClassJudgeTest, AFunctionStartsOnComputeLoopsAndShortCallsPromoteIt) {
  EXPECT_EQ(judge.current(), execution_class::compute);

  EXPECT_EQ(calls(199, microseconds{100}), 0);
  EXPECT_EQ(calls(1, microseconds{100}), 1);

  EXPECT_EQ(judge.current(), execution_class::inlined);
}

TEST_F(ClassJudgeTest, OneCallInAHundredMayBeLonger) {
  calls(2, microseconds{900});
  EXPECT_EQ(calls(198, microseconds{5}), 1);
}

TEST_F(ClassJudgeTest, MoreThanOneInAHundredMayNot) {
  calls(3, microseconds{101});
  EXPECT_EQ(calls(197, microseconds{5}), 0);
  EXPECT_EQ(judge.current(), execution_class::compute);

  EXPECT_EQ(calls(200, microseconds{5}), 1) << "the next two hundred count for themselves";
}

TEST_F(ClassJudgeTest, AFunctionThatWaitsIsNeverPromoted) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(calls(49, microseconds{5}), 0);
    EXPECT_EQ(calls(1, microseconds{5}, 1), 0) << "one in fifty";
  }
  EXPECT_EQ(judge.current(), execution_class::compute);
}

TEST_F(ClassJudgeTest, OneInAHundredMayMeetALock) {
  calls(2, microseconds{5}, 1);
  EXPECT_EQ(calls(198, microseconds{5}), 1);
}

TEST_F(ClassJudgeTest, TheSecondLongCallDemotes) {
  promote();
  EXPECT_EQ(calls(1, milliseconds{2}), 0);
  EXPECT_EQ(calls(1, milliseconds{2}), 1);
  EXPECT_EQ(judge.current(), execution_class::compute);
}

TEST_F(ClassJudgeTest, CallsThatWaitDemoteHoweverLittleTheyCompute) {
  promote();
  EXPECT_EQ(calls(2, microseconds{5}, 1), 0);
  EXPECT_EQ(calls(1, microseconds{5}, 3), 1);
}

TEST_F(ClassJudgeTest, OneInFiftyThatWaitsDemotes) {
  promote();
  int changes = 0;
  for (int i = 0; i < 5; ++i) {
    changes += calls(1, microseconds{5}, 1);
    changes += calls(49, microseconds{5});
  }
  EXPECT_EQ(changes, 1);
}

TEST_F(ClassJudgeTest, SomeThatMeetALockDoNot) {
  promote();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(calls(1, microseconds{5}, 1), 0) << i;
    EXPECT_EQ(calls(200, microseconds{5}), 0) << i;
  }
}

TEST_F(ClassJudgeTest, AnUnfitCallIsForgottenAfterAThousandOthers) {
  promote();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(calls(1, milliseconds{2}), 0) << i;
    unmeasured(1'001);
  }
}

TEST_F(ClassJudgeTest, UnmeasuredCallsCountAsCallsBetween) {
  promote();
  calls(1, milliseconds{2});
  unmeasured(999);
  EXPECT_EQ(calls(1, milliseconds{2}), 1);
}

TEST_F(ClassJudgeTest, EveryDemotionDoublesTheWaitUpToABound) {
  promote();
  EXPECT_EQ(wait_after_demotion(), seconds{1});
  EXPECT_EQ(wait_after_demotion(), seconds{2});
  EXPECT_EQ(wait_after_demotion(), seconds{4});
  for (int i = 0; i < 8; ++i)
    EXPECT_LE(wait_after_demotion(), limits.longest_wait);
  EXPECT_EQ(wait_after_demotion(), limits.longest_wait);
}

TEST_F(ClassJudgeTest, AnHourInlineIsForgiveness) {
  promote();
  wait_after_demotion();
  EXPECT_EQ(wait_after_demotion(), seconds{2});

  now += std::chrono::hours{1};

  EXPECT_EQ(wait_after_demotion(), seconds{1});
}

TEST_F(ClassJudgeTest, OtherCodeStartsAnew) {
  promote();
  calls(2, milliseconds{5});

  judge.reset();

  EXPECT_EQ(judge.current(), execution_class::compute);
  EXPECT_EQ(calls(200, microseconds{5}), 1);
}
