#include "cluster/link_dialing.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

class LinkDialingTest : public ::testing::Test {
protected:
  /// The wait until the next dial, with the longest jitter.
  duration wait_after(link_break why) {
    dialing.ended(why, now, ~std::uint64_t{0} - 1'000);
    return *dialing.wakes_at() - now;
  }
  link_dialing::step wake() {
    now = *dialing.wakes_at();
    return dialing.timed(now);
  }

  time_point now{1h};
  link_dialing dialing{{}};
};

}  // namespace

TEST_F(LinkDialingTest, BeginsOnceAndGivesUpWhatDoesNotAnswer) {
  EXPECT_TRUE(dialing.start(now));
  EXPECT_FALSE(dialing.start(now));
  EXPECT_EQ(dialing.phase(), link_phase::connecting);
  EXPECT_EQ(dialing.wakes_at(), now + 1s);
  EXPECT_EQ(dialing.timed(now + 999ms), link_dialing::step::none);

  EXPECT_EQ(dialing.timed(now + 1s), link_dialing::step::give_up);
}

TEST_F(LinkDialingTest, DialsAgainTheLaterTheMoreOftenItFailed) {
  dialing.start(now);
  for (const auto longest : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
    const auto wait = wait_after(link_break::refused);
    EXPECT_GE(wait, longest / 2);
    EXPECT_LE(wait, longest);
    EXPECT_EQ(wake(), link_dialing::step::dial);
    EXPECT_EQ(dialing.phase(), link_phase::connecting);
  }
}

TEST_F(LinkDialingTest, ALinkThatWasUpIsDialedAgainAtOnceWhenItBreaks) {
  dialing.start(now);
  for (int i = 0; i < 6; ++i) {
    wait_after(link_break::refused);
    wake();
  }
  dialing.opened();
  EXPECT_TRUE(dialing.up());
  EXPECT_EQ(dialing.wakes_at(), std::nullopt);

  EXPECT_LE(wait_after(link_break::closed), 50ms);
}

TEST_F(LinkDialingTest, WhoDoesNotWantThisNodeIsAskedAgainLate) {
  dialing.start(now);
  EXPECT_GE(wait_after(link_break::rejected), 1s);
}

TEST_F(LinkDialingTest, APokeEndsTheWait) {
  dialing.start(now);
  EXPECT_FALSE(dialing.poke(now)) << "it is dialing";
  wait_after(link_break::rejected);

  EXPECT_TRUE(dialing.poke(now));
  EXPECT_EQ(dialing.phase(), link_phase::connecting);
  EXPECT_EQ(dialing.wakes_at(), now + 1s);
}

TEST_F(LinkDialingTest, OnlyAnOpenLinkIsLostBySilence) {
  dialing.start(now);
  EXPECT_FALSE(dialing.is_lost(1h));
  dialing.opened();
  EXPECT_FALSE(dialing.is_lost(5s));
  EXPECT_TRUE(dialing.is_lost(5001ms));
}

TEST_F(LinkDialingTest, StoppedItWaitsForNothing) {
  dialing.start(now);
  dialing.stop();
  dialing.ended(link_break::closed, now, 0);
  EXPECT_EQ(dialing.phase(), link_phase::stopped);
  EXPECT_EQ(dialing.wakes_at(), std::nullopt);
  EXPECT_FALSE(dialing.poke(now));
  EXPECT_TRUE(dialing.start(now));
}
