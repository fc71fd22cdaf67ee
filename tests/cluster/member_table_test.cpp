#include "cluster/member_table.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

registered_node node(std::uint8_t n, std::uint8_t incarnation = 1) {
  return {id(n), "node-" + std::to_string(n), {"127.0.0.1", n}, incarnation != 0, id(incarnation)};
}

class MemberTableTest : public ::testing::Test {
protected:
  /// All links of a peer end and the next dial is refused: its process is gone.
  std::vector<member_change> kill(std::uint8_t n) {
    table.closed(id(n), 0, now);
    table.closed(id(n), 1, now);
    return table.refused(id(n), 0, now);
  }
  /// Both loops tick; the one of link 0 heard something last at `heard`, the other nothing.
  std::vector<member_change> tick(std::uint8_t n, time_point heard) {
    return table.ticked(id(n), std::vector<link_tick>{{heard, now}, {{}, now}});
  }
  void open(std::uint8_t n) {
    table.opened(id(n), 0, now);
    table.opened(id(n), 1, now);
  }

  time_point now{100s};
  member_table table{id(1), 2, suspicion_limits{}};
};

TEST_F(MemberTableTest, SaysWhoCameWhoWentAndWhoWasRemoved) {
  auto changes = table.set_nodes({node(1), node(2), node(3, 0)}, now);
  ASSERT_EQ(changes.size(), 1u) << "a node without a session has not joined";
  EXPECT_EQ(changes[0].node, id(2));
  EXPECT_EQ(changes[0].what, member_change::kind::joined);

  changes = table.set_nodes({node(1), node(2, 0), node(3)}, now);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].what, member_change::kind::left);
  EXPECT_EQ(changes[1].what, member_change::kind::joined);

  changes = table.set_nodes({node(1), node(3)}, now);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, member_change::kind::removed);
  EXPECT_EQ(table.state_of(id(2)), member_state::absent);
}

TEST_F(MemberTableTest, ALinkThatWasOpenBeforeTheSessionCountsAfterIt) {
  table.set_nodes({node(1), node(2, 0)}, now);
  open(2);
  table.set_nodes({node(1), node(2)}, now);
  now += 100ms;
  tick(2, now);
  auto heard = now;
  for (int i = 0; i < 12; ++i) {
    now += 100ms;
    tick(2, heard);
  }
  ASSERT_EQ(table.state_of(id(2)), member_state::unreachable);

  now += 100ms;
  const auto changes = tick(2, now);

  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, member_change::kind::healed);
  EXPECT_EQ(table.state_of(id(2)), member_state::alive);
}

TEST_F(MemberTableTest, ANodeWhoseProcessIsGoneIsNoHomeAnyMore) {
  table.set_nodes({node(1), node(2), node(3)}, now);
  open(2);
  open(3);
  EXPECT_EQ(table.homes(), (std::vector{id(1), id(2), id(3)}));

  const auto changes = kill(2);

  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, member_change::kind::suspected);
  EXPECT_EQ(changes[0].why, suspicion_reason::gone);
  EXPECT_EQ(table.state_of(id(2)), member_state::unreachable);
  EXPECT_EQ(table.homes(), (std::vector{id(1), id(3)}));
}

TEST_F(MemberTableTest, ANewLifeOfANodeBeginsWithoutSuspicion) {
  table.set_nodes({node(2)}, now);
  open(2);
  kill(2);

  table.set_nodes({node(2, 7)}, now);

  EXPECT_EQ(table.state_of(id(2)), member_state::alive);
}

TEST_F(MemberTableTest, ANewLifeThatNoRecordNamesYetIsTakenAtItsWord) {
  table.set_nodes({node(2)}, now);
  open(2);
  kill(2);

  const auto changes = table.answered(id(2), id(7), now);
  open(2);

  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, member_change::kind::healed);
  EXPECT_EQ(table.peers().at(id(2)).incarnation, id(7));
  EXPECT_EQ(table.state_of(id(2)), member_state::alive);
  table.set_nodes({node(2), node(3)}, now);
  EXPECT_EQ(table.peers().at(id(2)).incarnation, id(7)) << "the record of its earlier life says nothing new";
}

TEST_F(MemberTableTest, ANewerRecordIsMoreThanWhatAnswered) {
  table.set_nodes({node(2)}, now);
  table.answered(id(2), id(7), now);

  table.set_nodes({node(2, 8)}, now);

  EXPECT_EQ(table.peers().at(id(2)).incarnation, id(8));
}

TEST_F(MemberTableTest, WithoutASessionNobodyIsAMemberWhileTheAuthorityCanBeAsked) {
  table.set_nodes({node(2, 0)}, now);
  table.answered(id(2), id(7), now);
  open(2);

  EXPECT_TRUE(table.authority_ticked(false, now).empty());

  EXPECT_EQ(table.state_of(id(2)), member_state::absent);
}

TEST_F(MemberTableTest, WhoAnswersIsAMemberWhileTheAuthorityIsAway) {
  table.set_nodes({node(2, 0), node(3, 0)}, now);
  table.answered(id(2), id(7), now);
  table.answered(id(3), id(7), now);
  open(2);

  const auto changes = table.authority_ticked(true, now);

  ASSERT_EQ(changes.size(), 1u) << "no link to node 3 is open";
  EXPECT_EQ(changes[0].node, id(2));
  EXPECT_EQ(changes[0].what, member_change::kind::joined);
  EXPECT_EQ(table.homes(), (std::vector{id(1), id(2)}));
  EXPECT_EQ(table.peers().at(id(2)).incarnation, id(7));
  kill(2);
  EXPECT_TRUE(table.authority_ticked(true, now).empty()) << "nobody is removed without the authority";
  EXPECT_EQ(table.state_of(id(2)), member_state::unreachable);
}

TEST_F(MemberTableTest, AnAuthorityThatIsBackHasTimeForTheSessionsOfThoseThatWereTakenIn) {
  table.set_nodes({node(2, 0), node(3, 0)}, now);
  for (std::uint8_t n = 2; n <= 3; ++n) {
    table.answered(id(n), id(7), now);
    open(n);
  }
  table.authority_ticked(true, now);

  table.authority_ticked(false, now);
  now += member_table::guest_time - 1ms;
  EXPECT_TRUE(table.authority_ticked(false, now).empty());
  EXPECT_TRUE(table.set_nodes({node(2, 7), node(3, 0)}, now).empty()) << "the record says what was known";
  now += 1ms;
  const auto changes = table.authority_ticked(false, now);

  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].node, id(3));
  EXPECT_EQ(changes[0].what, member_change::kind::left);
  EXPECT_EQ(table.state_of(id(2)), member_state::alive);
}

TEST_F(MemberTableTest, RecordsOfOthersDoNotEndASuspicion) {
  table.set_nodes({node(2)}, now);
  open(2);
  kill(2);

  table.set_nodes({node(2), node(3)}, now);

  EXPECT_EQ(table.state_of(id(2)), member_state::unreachable);
}

TEST_F(MemberTableTest, ADrainingNodeIsNoHome) {
  table.set_nodes({node(2)}, now);
  open(2);
  table.set_state(id(2), serving_state::draining);

  EXPECT_EQ(table.state_of(id(2)), member_state::draining);
  EXPECT_EQ(table.homes(), std::vector{id(1)});
}

TEST_F(MemberTableTest, AStalledNodeStaysAHome) {
  table.set_nodes({node(2)}, now);
  open(2);
  table.set_state(id(2), serving_state::stalled);

  EXPECT_EQ(table.state_of(id(2)), member_state::stalled);
  EXPECT_EQ(table.homes(), (std::vector{id(1), id(2)}));
}

TEST_F(MemberTableTest, LinksOfStrangersArePassedOver) {
  EXPECT_TRUE(table.opened(id(9), 0, now).empty());
  EXPECT_TRUE(tick(9, now).empty());
  EXPECT_EQ(table.homes(), std::vector{id(1)});
}

}  // namespace
}  // namespace troupe::cluster
