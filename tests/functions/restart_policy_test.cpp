#include "functions/restart_policy.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;

namespace {

constexpr time_point start{std::chrono::hours{1}};

/// Begins starts as soon as they are allowed and lets them fail. @returns when the next one may begin after each.
std::vector<std::int64_t> waits_after_failures(restart_policy& policy, int count, time_point& now) {
  std::vector<std::int64_t> waits;
  for (int i = 0; i < count; ++i) {
    EXPECT_TRUE(policy.may_start(now));
    policy.start_begun();
    policy.start_failed(now);
    waits.push_back(std::chrono::duration_cast<milliseconds>(std::max(policy.next_start(), now) - now).count());
    now = std::max(policy.next_start(), now);
  }
  return waits;
}

}  // namespace

TEST(RestartPolicyTest, FirstStartIsAtOnce) {
  const restart_policy policy;
  EXPECT_TRUE(policy.may_start(start));
  EXPECT_FALSE(policy.open());
}

TEST(RestartPolicyTest, FiveFailedStartsInARowOpenTheBreaker) {
  restart_policy policy;
  auto now = start;

  EXPECT_EQ(waits_after_failures(policy, 4, now), (std::vector<std::int64_t>{0, 100, 200, 400}));
  EXPECT_FALSE(policy.open());
  EXPECT_EQ(waits_after_failures(policy, 1, now), (std::vector<std::int64_t>{10'000}));
  EXPECT_TRUE(policy.open());
  EXPECT_FALSE(policy.may_start(now - milliseconds{1}));
}

TEST(RestartPolicyTest, OpenBreakerAllowsOneTrialEachTenSecondsUntilOneSucceeds) {
  restart_policy policy;
  auto now = start;
  waits_after_failures(policy, 5, now);

  EXPECT_EQ(policy.breaker(), breaker_state::open);
  policy.start_begun();
  EXPECT_EQ(policy.breaker(), breaker_state::half_open);
  EXPECT_FALSE(policy.may_start(now + seconds{60}));
  EXPECT_EQ(policy.next_start(), time_point::max());
  policy.start_failed(now + seconds{2});
  EXPECT_TRUE(policy.open());
  EXPECT_EQ(policy.next_start(), now + seconds{12});

  policy.start_begun();
  policy.start_succeeded();
  EXPECT_FALSE(policy.open());
  EXPECT_EQ(policy.breaker(), breaker_state::closed);
  EXPECT_TRUE(policy.may_start(now + seconds{12}));
  EXPECT_EQ(policy.failed_starts(), 0U);
}

TEST(RestartPolicyTest, AbandonedTrialLeavesRoomForAnother) {
  restart_policy policy;
  auto now = start;
  waits_after_failures(policy, 5, now);
  policy.start_begun();

  policy.start_abandoned();

  EXPECT_TRUE(policy.open());
  EXPECT_TRUE(policy.may_start(now));
}

TEST(RestartPolicyTest, FailuresOfParallelStartsNeverShortenTheWait) {
  restart_policy policy;
  policy.start_begun();
  policy.start_begun();
  policy.start_failed(start);
  policy.start_failed(start);
  policy.start_failed(start - milliseconds{50});
  EXPECT_EQ(policy.next_start(), start + milliseconds{150});
}

TEST(RestartPolicyTest, QuickCrashesBackOffToTenSecondsAndNeverOpenTheBreaker) {
  restart_policy policy;
  auto now = start;
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 12; ++i) {
    policy.start_begun();
    policy.start_succeeded();
    const auto loaded = now;
    now += milliseconds{5};
    policy.crashed(loaded, now);
    const auto next = std::max(policy.next_start(), now);
    waits.push_back(std::chrono::duration_cast<milliseconds>(next - now).count());
    EXPECT_FALSE(policy.open());
    now = next + milliseconds{1};
  }
  EXPECT_EQ(waits,
            (std::vector<std::int64_t>{0, 100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000, 10'000, 10'000}));
}

TEST(RestartPolicyTest, CrashAfterALongRunIsReplacedAtOnce) {
  restart_policy policy;
  auto now = start;
  for (int i = 0; i < 4; ++i) {
    policy.start_begun();
    policy.start_succeeded();
    policy.crashed(now, now + milliseconds{1});
    now += seconds{1};
  }
  policy.start_succeeded();

  policy.crashed(now, now + seconds{10});

  EXPECT_TRUE(policy.may_start(now + seconds{10}));
}

TEST(RestartPolicyTest, InstancesThatFallTogetherCountOnce) {
  restart_policy policy;
  for (int i = 0; i < 8; ++i) {
    policy.start_begun();
    policy.start_succeeded();
  }
  for (int i = 0; i < 8; ++i)
    policy.crashed(start, start + milliseconds{20 + i});
  EXPECT_TRUE(policy.may_start(start + milliseconds{20}));

  policy.crashed(start + milliseconds{40}, start + milliseconds{50});
  EXPECT_EQ(policy.next_start(), start + milliseconds{150});
}

TEST(RestartPolicyTest, GoodStartKeepsTheDelayThatCrashesEarned) {
  restart_policy policy;
  policy.start_succeeded();
  policy.crashed(start, start + milliseconds{1});
  policy.crashed(start + milliseconds{2}, start + milliseconds{3});
  policy.start_succeeded();
  EXPECT_EQ(policy.next_start(), start + milliseconds{103});
}

TEST(RestartPolicyTest, NewCodeHasNoHistory) {
  restart_policy policy;
  auto now = start;
  waits_after_failures(policy, 7, now);
  policy.reset();
  EXPECT_FALSE(policy.open());
  EXPECT_TRUE(policy.may_start(start));
}
