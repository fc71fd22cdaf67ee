#include "functions/stall_watch.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;

namespace {

class StallWatchTest : public ::testing::Test {
protected:
  /// Looks every interval for so long.
  void look(const pulse_reading& pulse, milliseconds length) {
    for (const auto end = now + length; now < end; now += stall_watch::interval)
      watch.look(pulse, now);
  }

  time_point now{std::chrono::hours{1}};
  stall_watch watch;
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
  look({3, 0, 0}, milliseconds{100});
  EXPECT_TRUE(watch.stalled());
  EXPECT_EQ(watch.function(), 0u);

  look({4, 0, 0}, milliseconds{100});

  EXPECT_FALSE(watch.stalled());
}

TEST_F(StallWatchTest, TellsHowLongTheCallRunsThatHoldsTheLoop) {
  look({3, 1, 7}, seconds{1});
  EXPECT_EQ(watch.call_for(), milliseconds{900});
  EXPECT_EQ(watch.function(), 7u);

  look({3, 2, 7}, milliseconds{100});

  EXPECT_EQ(watch.call_for(), duration{}) << "another call of the same function";
  EXPECT_TRUE(watch.stalled()) << "the loop has still not come round";
}

TEST_F(StallWatchTest, TimeInWhichNobodyLookedDoesNotCount) {
  look({3, 1, 7}, milliseconds{200});
  now += std::chrono::hours{1};
  watch.look({3, 1, 7}, now);

  EXPECT_FALSE(watch.stalled());
  EXPECT_LE(watch.call_for(), milliseconds{300});
}
