#include "functions/stem_policy.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::stem_policy;

namespace {

constexpr time_point noon{std::chrono::hours{12}};

}  // namespace

TEST(StemPolicyTest, NothingWaitsForAClassThatNobodyUsed) {
  stem_policy policy{4};
  EXPECT_EQ(policy.wanted(noon), 0u);
}

TEST(StemPolicyTest, OneWaitsOnceAFunctionIsDeployed) {
  stem_policy policy{4};
  policy.used(noon);
  EXPECT_EQ(policy.wanted(noon), 1u);
  EXPECT_EQ(policy.wanted(noon + seconds{599}), 1u);
}

TEST(StemPolicyTest, AsManyWaitAsWereStartedLatelyAndNeverMoreThanTheMost) {
  stem_policy policy{4};
  for (int i = 0; i < 3; ++i)
    policy.started(noon);
  EXPECT_EQ(policy.wanted(noon + seconds{1}), 3u);
  for (int i = 0; i < 30; ++i)
    policy.started(noon + seconds{2});
  EXPECT_EQ(policy.wanted(noon + seconds{3}), 4u);
}

TEST(StemPolicyTest, ABurstIsForgottenAndOneStays) {
  stem_policy policy{4};
  for (int i = 0; i < 4; ++i)
    policy.started(noon);
  EXPECT_EQ(policy.wanted(noon + stem_policy::window + seconds{1}), 1u);
}
