#include "cluster/suspicion.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// One peer with two links whose loops tick each 100 ms; time moves when a test moves it.
class SuspicionTest : public ::testing::Test {
protected:
  /// Ticks both loops until `length` has passed. `hears` says which links hear something all the time.
  suspicion_change pass(milliseconds length, std::vector<std::size_t> hears = {}) {
    auto change = suspicion_change::none;
    for (const auto end = now + length; now < end;) {
      now += 100ms;
      for (const auto link : hears)
        heard[link] = now;
      if (const auto each = peer.ticked(ticks()); each != suspicion_change::none)
        change = each;
    }
    return change;
  }
  std::vector<link_tick> ticks() const { return {{heard[0], now}, {heard[1], now}}; }
  void open_both() {
    peer.opened(0, now);
    peer.opened(1, now);
    heard = {now, now};
  }

  time_point now{1h};
  std::vector<time_point> heard{now, now};
  suspicion peer{2, {}, now};
};

}  // namespace

TEST_F(SuspicionTest, APeerThatIsHeardIsTrusted) {
  open_both();
  EXPECT_EQ(pass(10s, {0, 1}), suspicion_change::none);
  EXPECT_FALSE(peer.suspected());
}

TEST_F(SuspicionTest, AllLinksClosedAndADialRefusedIsSuspectAtOnce) {
  open_both();
  EXPECT_EQ(peer.closed(0, now), suspicion_change::none);
  EXPECT_EQ(peer.closed(1, now), suspicion_change::none);

  EXPECT_EQ(peer.refused(0, now), suspicion_change::suspected);

  EXPECT_EQ(peer.reason(), suspicion_reason::gone);
}

TEST_F(SuspicionTest, ARefusedDialProvesNothingWhileAnotherLinkStands) {
  open_both();
  peer.closed(0, now);
  EXPECT_EQ(peer.refused(0, now), suspicion_change::none);

  EXPECT_EQ(peer.closed(1, now), suspicion_change::suspected);
}

TEST_F(SuspicionTest, ARefusalBeforeTheLastHelloProvesNothing) {
  peer.refused(0, now);
  peer.refused(1, now);
  ASSERT_EQ(peer.opened(1, now), suspicion_change::healed);

  EXPECT_EQ(peer.closed(1, now), suspicion_change::none) << "link 0 was refused by a process that is gone";
  EXPECT_EQ(peer.refused(0, now), suspicion_change::suspected);
}

TEST_F(SuspicionTest, SilenceOnAllLinksForASecondIsSuspectAndNotBefore) {
  open_both();
  pass(1s, {0, 1});

  EXPECT_EQ(pass(900ms), suspicion_change::none);
  EXPECT_EQ(pass(100ms), suspicion_change::suspected);

  EXPECT_EQ(peer.reason(), suspicion_reason::silent);
  EXPECT_EQ(peer.silence(), 1s);
}

TEST_F(SuspicionTest, OneSilentLinkDoesNotSuffice) {
  open_both();
  EXPECT_EQ(pass(5s, {1}), suspicion_change::none);
  EXPECT_FALSE(peer.suspected());
}

TEST_F(SuspicionTest, WhatOneLinkHeardCountsBeforeTheSilenceOfAnother) {
  open_both();
  pass(900ms);
  now += 100ms;
  heard[1] = now;

  EXPECT_EQ(peer.ticked(ticks()), suspicion_change::none);
  EXPECT_EQ(pass(900ms), suspicion_change::none);
}

TEST_F(SuspicionTest, ASilentPeerIsTrustedAgainWhenAFrameComes) {
  open_both();
  pass(2s);
  ASSERT_TRUE(peer.suspected());

  EXPECT_EQ(pass(100ms, {0}), suspicion_change::healed);
  EXPECT_FALSE(peer.suspected());
}

TEST_F(SuspicionTest, AGonePeerIsTrustedAgainByItsHelloOnly) {
  open_both();
  peer.closed(0, now);
  peer.closed(1, now);
  peer.refused(1, now);
  EXPECT_EQ(pass(500ms, {0}), suspicion_change::none) << "nothing can be heard on a closed link";
  ASSERT_TRUE(peer.suspected());

  EXPECT_EQ(peer.opened(0, now), suspicion_change::healed);
}

TEST_F(SuspicionTest, WhatALateObserverDidNotHearProvesNothing) {
  open_both();
  pass(1s, {0, 1});
  now += 5s;  // both loops stood still

  EXPECT_EQ(pass(900ms), suspicion_change::none);
  EXPECT_EQ(pass(200ms), suspicion_change::suspected) << "a full second of punctual silence";
}

TEST_F(SuspicionTest, ALateObserverDoesNotEndASuspicionEither) {
  open_both();
  pass(2s);
  ASSERT_TRUE(peer.suspected());
  now += 5s;

  EXPECT_EQ(pass(500ms), suspicion_change::none);
  EXPECT_TRUE(peer.suspected());
}

TEST_F(SuspicionTest, ALoopThatDoesNotTickSaysNothingAboutItsLink) {
  open_both();
  // Loop 1 stands; loop 0 hears nothing, but the silence of link 1 is not known.
  for (int i = 0; i < 30; ++i) {
    now += 100ms;
    EXPECT_EQ(peer.ticked(std::vector<link_tick>{{heard[0], now}, {heard[1], time_point{1h}}}), suspicion_change::none);
  }
  EXPECT_FALSE(peer.suspected());
}

TEST_F(SuspicionTest, APeerThatWasNeverReachedIsSuspectAfterASecond) {
  EXPECT_EQ(pass(900ms), suspicion_change::none);
  EXPECT_EQ(pass(100ms), suspicion_change::suspected);
  EXPECT_EQ(peer.opened(1, now), suspicion_change::healed);
}

TEST_F(SuspicionTest, APeerThatWasNeverReachedAndRefusesIsSuspectAtOnce) {
  EXPECT_EQ(peer.refused(0, now), suspicion_change::suspected);
  EXPECT_EQ(to_string(peer.reason()), "gone");
}
