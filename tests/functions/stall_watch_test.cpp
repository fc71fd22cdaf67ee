#include "functions/stall_watch.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;

namespace {

class StallWatchTest : public ::testing::Test {
protected:
  /// Looks every interval for so long.
  void look(const pulse_reading& pulse, milliseconds length) {
    for (const auto end = now + length; now < end; now += look_clock::interval)
      watch.look(pulse, time.look(now));
  }

  time_point now{std::chrono::hours{1}};
  look_clock time;
  stall_watch watch;
};

class ComputeWatchTest : public ::testing::Test {
protected:
  void look(bool all_overdue, bool calls_wait, milliseconds length) {
    for (auto left = length; left > milliseconds{}; left -= look_clock::interval)
      watch.look(all_overdue, calls_wait, seconds{3}, look_clock::interval);
  }

  compute_watch watch;
};

}  // namespace

TEST_F(StallWatchTest, ALoopThatWaitsForWorkIsNotStalled) {
  look({2, 0, 0}, seconds{10});
  EXPECT_FALSE(watch.stalled());
}

TEST_F(StallWatchTest, ALoopThatTurnsIsNotStalled) {
  for (std::uint64_t turns = 1; turns < 100; turns += 2)
    look({turns, turns, 7}, milliseconds{400});
  EXPECT_FALSE(watch.stalled());
}

TEST_F(StallWatchTest, HalfASecondAtOneThingIsAStallAndTheNextTurnEndsIt) {
  look({3, 0, 0}, milliseconds{500});
  EXPECT_FALSE(watch.stalled());
  look({3, 0, 0}, look_clock::interval);
  EXPECT_TRUE(watch.stalled());
  EXPECT_EQ(watch.function(), 0u);
  EXPECT_FALSE(watch.overdue()) << "no function holds it";

  look({4, 0, 0}, look_clock::interval);

  EXPECT_FALSE(watch.stalled());
}

TEST_F(StallWatchTest, TellsHowLongTheCallRunsThatHoldsTheLoop) {
  look({3, 1, 7}, seconds{1});
  EXPECT_EQ(watch.call_for(), milliseconds{990});
  EXPECT_EQ(watch.function(), 7u);

  look({3, 2, 7}, look_clock::interval);

  EXPECT_EQ(watch.call_for(), duration{}) << "another call of the same function";
  EXPECT_TRUE(watch.stalled()) << "the loop has still not come round";
}

TEST_F(StallWatchTest, ACallIsOverdueFromItsTimeoutOnAndNotBeforeAStall) {
  look({3, 1, 7, milliseconds{100}}, milliseconds{400});
  EXPECT_FALSE(watch.overdue());
  look({3, 1, 7, milliseconds{100}}, milliseconds{200});
  EXPECT_TRUE(watch.overdue());
}

TEST_F(StallWatchTest, ACallIsNotOverdueByTheTimeoutOfTheOneBefore) {
  look({3, 1, 7, seconds{900}}, seconds{20});
  EXPECT_FALSE(watch.overdue());
  look({3, 2, 7, seconds{1}}, milliseconds{1'000});
  EXPECT_FALSE(watch.overdue()) << "the time of the call before is not its own";
  look({3, 2, 7, seconds{1}}, look_clock::interval);
  EXPECT_TRUE(watch.overdue());
}

TEST_F(StallWatchTest, TimeInWhichNobodyLookedDoesNotCount) {
  look({3, 1, 7}, milliseconds{200});
  now += std::chrono::hours{1};
  watch.look({3, 1, 7}, time.look(now));

  EXPECT_FALSE(watch.stalled());
  EXPECT_LE(watch.call_for(), milliseconds{300});
}

TEST_F(StallWatchTest, AProcessThatIsHeldInSlicesIsNotBlamedForWhatItDidNotHave) {
  // Ten milliseconds of each hundred are the process's own, for two seconds: the looks that were due come late.
  for (int slice = 0; slice < 20; ++slice, now += milliseconds{90})
    look({3, 1, 7}, milliseconds{10});

  EXPECT_FALSE(watch.stalled());
  EXPECT_LE(watch.call_for(), milliseconds{20 * 10});
}

TEST_F(ComputeWatchTest, LoopsThatNobodyWaitsForAreNotMissed) {
  look(true, false, seconds{60});
  EXPECT_FALSE(watch.blocked());
  EXPECT_FALSE(watch.lost());
}

TEST_F(ComputeWatchTest, WhileOneMayComeFreeCallsCanWait) {
  look(false, true, seconds{60});
  EXPECT_FALSE(watch.blocked());
}

TEST_F(ComputeWatchTest, ACallThatWaitsBlocksThemUntilOneIsFree) {
  look(true, true, look_clock::interval);
  EXPECT_TRUE(watch.blocked());
  look(true, false, seconds{2});
  EXPECT_TRUE(watch.blocked()) << "clients stay away from a node that is not ready";

  look(false, false, look_clock::interval);

  EXPECT_FALSE(watch.blocked());
}

TEST_F(ComputeWatchTest, TheyAreLostOnceThatHasLastedForTheTimeoutAgain) {
  look(true, false, seconds{60});
  look(true, true, milliseconds{3'000});
  EXPECT_FALSE(watch.lost());
  look(true, true, look_clock::interval);
  EXPECT_TRUE(watch.lost());

  look(false, true, look_clock::interval);
  look(true, true, look_clock::interval);

  EXPECT_FALSE(watch.lost()) << "it begins anew";
}
