#include "cluster/peer_status.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace troupe;
using namespace troupe::cluster;
using verdict = troupe::cluster::peer_status::verdict;

namespace {

uuid id_of(std::uint8_t number) {
  uuid id;
  id.bytes[15] = number;
  return id;
}

class PeerStatusTest : public ::testing::Test {
protected:
  PeerStatusTest() { status.join(peer, incarnation); }

  verdict tell(const load_report& report) { return status.apply(peer, incarnation, report, now); }
  verdict tell(const std::vector<load_report>& reports) {
    auto last = verdict::applied;
    for (const auto& report : reports)
      last = tell(report);
    return last;
  }
  static node_load load_of(std::vector<function_presence> functions) {
    node_load load;
    load.functions = std::move(functions);
    return load;
  }

  const uuid peer = make_fast_uuid();
  const uuid incarnation = make_fast_uuid();
  time_point now{seconds{1'000}};
  peer_status status{seconds{5}};
  load_reporter reporter;
};

}  // namespace

TEST_F(PeerStatusTest, AWholeThenChangesGiveTheLoadAsItIs) {
  EXPECT_EQ(tell(reporter.next(load_of({{id_of(1), 1}, {id_of(2), 1}}), now)), verdict::applied);
  EXPECT_EQ(tell(reporter.next(load_of({{id_of(2), 4, 1, 20, 7}, {id_of(3), 1}}), now)), verdict::applied);

  const auto* known = status.find(peer, now);

  ASSERT_NE(known, nullptr);
  ASSERT_EQ(known->functions.size(), 2u);
  EXPECT_EQ(known->functions.at(id_of(2)), (function_presence{id_of(2), 4, 1, 20, 7}));
  EXPECT_EQ(known->functions.at(id_of(3)).ready, 1u);
}

TEST_F(PeerStatusTest, OldReportsAreDropped) {
  const auto first = reporter.next(load_of({{id_of(1), 1}}), now);
  const auto second = reporter.next(load_of({{id_of(1), 2}}), now);
  const auto third = reporter.next(load_of({{id_of(1), 3}}), now);
  tell(first);
  tell(second);
  tell(third);

  EXPECT_EQ(tell(second), verdict::old);
  EXPECT_EQ(tell(third), verdict::old);
  EXPECT_EQ(tell(first), verdict::old);

  EXPECT_EQ(status.find(peer, now)->functions.at(id_of(1)).ready, 3u);
}

TEST_F(PeerStatusTest, AReportOfAnotherIncarnationOrAStrangerIsDropped) {
  const auto report = reporter.next(load_of({{id_of(1), 1}}), now).front();

  EXPECT_EQ(status.apply(peer, make_fast_uuid(), report, now), verdict::stranger);
  EXPECT_EQ(status.apply(make_fast_uuid(), incarnation, report, now), verdict::stranger);

  EXPECT_EQ(status.find(peer, now), nullptr);
}

TEST_F(PeerStatusTest, ANewIncarnationBeginsAnewWithSmallerNumbers) {
  for (int i = 0; i < 5; ++i)
    tell(reporter.next(load_of({{id_of(1), 1}}), now));
  const auto later = make_fast_uuid();

  status.join(peer, later);

  EXPECT_EQ(status.find(peer, now), nullptr);
  load_reporter fresh;
  EXPECT_EQ(status.apply(peer, later, fresh.next(load_of({{id_of(7), 1}}), now).front(), now), verdict::applied);
  EXPECT_EQ(status.find(peer, now)->functions.count(id_of(1)), 0u);
  EXPECT_EQ(tell(reporter.next({}, now)), verdict::stranger);
}

TEST_F(PeerStatusTest, AMissedChangeIsNoticedUntilTheNextWhole) {
  tell(reporter.next(load_of({{id_of(1), 1}, {id_of(2), 1}}), now));
  reporter.next(load_of({{id_of(1), 1}}), now);  // lost: function 2 is gone
  EXPECT_EQ(tell(reporter.next(load_of({{id_of(1), 2}}), now)), verdict::incomplete);
  EXPECT_EQ(tell(reporter.next(load_of({{id_of(1), 3}}), now)), verdict::incomplete);
  EXPECT_EQ(status.find(peer, now)->functions.count(id_of(2)), 1u);

  EXPECT_EQ(tell(reporter.whole()), verdict::applied);

  EXPECT_EQ(status.find(peer, now)->functions.count(id_of(2)), 0u);
  EXPECT_EQ(status.find(peer, now)->functions.at(id_of(1)).ready, 3u);
  EXPECT_EQ(tell(reporter.next(load_of({{id_of(1), 4}}), now)), verdict::applied);
}

TEST_F(PeerStatusTest, AWholeInPartsReplacesWhatItDoesNotMention) {
  tell(reporter.next(load_of({{id_of(1), 1}}), now));
  node_load many;
  for (std::size_t i = 0; i < load_reporter::max_entries + 10; ++i)
    many.functions.push_back({make_fast_uuid(), 1});
  const auto parts = reporter.next(many, now + load_reporter::whole_interval);
  ASSERT_EQ(parts.size(), 2u);

  tell(parts[0]);
  EXPECT_EQ(status.find(peer, now)->functions.count(id_of(1)), 1u);
  EXPECT_EQ(tell(parts[1]), verdict::applied);

  EXPECT_EQ(status.find(peer, now)->functions.count(id_of(1)), 0u);
  EXPECT_EQ(status.find(peer, now)->functions.size(), many.functions.size());
  EXPECT_EQ(tell(parts[1]), verdict::old);
}

TEST_F(PeerStatusTest, APartWithoutItsBeginningAsksForTheWhole) {
  node_load many;
  for (std::size_t i = 0; i < load_reporter::max_entries + 10; ++i)
    many.functions.push_back({make_fast_uuid(), 1});
  const auto parts = reporter.next(many, now);

  EXPECT_EQ(tell(parts[1]), verdict::incomplete);
  EXPECT_EQ(tell(reporter.next(many, now)), verdict::incomplete);
  EXPECT_EQ(tell(reporter.whole()), verdict::applied);
  EXPECT_EQ(status.find(peer, now)->functions.size(), many.functions.size());
}

TEST_F(PeerStatusTest, ASilentPeerIsForgottenAndComesBackWithTheNextReport) {
  tell(reporter.next(load_of({{id_of(1), 1}}), now));
  EXPECT_TRUE(status.expire(now + seconds{5}).empty());
  EXPECT_NE(status.find(peer, now + seconds{5}), nullptr);
  now += milliseconds{5'001};

  EXPECT_EQ(status.find(peer, now), nullptr);
  EXPECT_EQ(status.expire(now), std::vector<uuid>{peer});
  EXPECT_TRUE(status.expire(now).empty());

  EXPECT_EQ(tell(reporter.next(load_of({{id_of(1), 2}}), now)), verdict::incomplete);
  ASSERT_NE(status.find(peer, now), nullptr);
  EXPECT_EQ(status.find(peer, now)->functions.at(id_of(1)).ready, 2u);
}

TEST_F(PeerStatusTest, WhoLeavesTheListIsForgotten) {
  const auto other = make_fast_uuid();
  status.join(other, incarnation);
  const auto report = reporter.next({}, now).front();
  tell(report);
  status.apply(other, incarnation, report, now);

  status.keep_only([&](const uuid& node) { return node == other; });

  EXPECT_EQ(status.find(peer, now), nullptr);
  EXPECT_NE(status.find(other, now), nullptr);
  EXPECT_EQ(tell(reporter.next({}, now)), verdict::stranger);
}

TEST_F(PeerStatusTest, ADrainNoticeHoldsUntilTheNextReport) {
  tell(reporter.next({}, now));

  status.set_state(peer, serving_state::draining);
  EXPECT_EQ(status.find(peer, now)->numbers.state, serving_state::draining);

  tell(reporter.next({}, now));
  EXPECT_EQ(status.find(peer, now)->numbers.state, serving_state::serving);
}

TEST_F(PeerStatusTest, WhateverIsLostOrRepeatedAWholeMakesBothSidesAgree) {
  std::mt19937_64 random{11};
  node_load load;
  for (int round = 0; round < 2'000; ++round) {
    load.functions.clear();
    for (std::uint8_t i = 0; i < 20; ++i)
      if (random() % 2 == 0)
        load.functions.push_back({id_of(i), static_cast<std::uint32_t>(random() % 3)});
    for (const auto& report : reporter.next(load, now)) {
      if (random() % 4 == 0)
        continue;
      tell(report);
      if (random() % 4 == 0)
        tell(report);
    }
    now += milliseconds{100};
    if (round % 50 == 49) {
      ASSERT_EQ(tell(reporter.whole()), verdict::applied);
      const auto* known = status.find(peer, now);
      ASSERT_NE(known, nullptr);
      ASSERT_EQ(known->functions.size(), load.functions.size());
      for (const auto& entry : load.functions)
        ASSERT_EQ(known->functions.at(entry.function), entry);
    }
  }
}
