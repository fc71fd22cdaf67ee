#include "cluster/peer_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace troupe;
using namespace troupe::cluster;
using admission = troupe::cluster::peer_table::admission;

namespace {

uuid id_of(std::uint8_t number) {
  uuid id;
  id.bytes[0] = number;
  return id;
}

peer_address peer(std::uint8_t node, std::uint8_t incarnation = 0, std::uint16_t port = 7000) {
  return {id_of(node), "n" + std::to_string(node), {"127.0.0.1", port}, incarnation == 0 ? uuid{} : id_of(incarnation)};
}

const time_point now{seconds{1'000}};

}  // namespace

TEST(PeerTableTest, OfTwoNodesTheOneWithTheSmallerIdDials) {
  peer_table small{id_of(1)};
  peer_table large{id_of(2)};
  small.set({peer(1), peer(2)}, now);
  large.set({peer(1), peer(2)}, now);

  const auto dialed = small.due(now);

  ASSERT_EQ(dialed.size(), 1u);
  EXPECT_EQ(dialed[0].node, id_of(2));
  EXPECT_TRUE(large.due(now).empty());
  EXPECT_TRUE(small.due(now).empty()) << "it is being dialed";
}

TEST(PeerTableTest, WaitsLongerAfterEachFailureUpToALimitAndBeginsAnewAfterAContact) {
  peer_table table{id_of(1), {milliseconds{100}, milliseconds{1'000}}};
  table.set({peer(2)}, now);
  auto at = now;
  ASSERT_EQ(table.due(at).size(), 1u);
  std::uint64_t random = 0;
  for (const int most : {100, 200, 400, 800, 1'000, 1'000}) {
    table.failed(id_of(2), at, random += 77);
    milliseconds waited{0};
    while (table.due(at + waited).empty())
      waited += milliseconds{1};
    EXPECT_LE(waited.count(), most);
    EXPECT_GE(waited.count(), most / 2);
    at += waited;
  }
  table.connected(id_of(2), id_of(9));

  table.failed(id_of(2), at, 0);

  EXPECT_TRUE(table.due(at + milliseconds{49}).empty());
  EXPECT_EQ(table.due(at + milliseconds{50}).size(), 1u);
}

TEST(PeerTableTest, AdmitsTheIncarnationOfTheListOrAnyWhenItIsNotKnown) {
  peer_table table{id_of(5)};
  table.set({peer(2, 20), peer(3)}, now);

  EXPECT_EQ(table.admit(id_of(2), id_of(20)), admission::admitted);
  EXPECT_EQ(table.admit(id_of(2), id_of(21)), admission::other_incarnation);
  EXPECT_EQ(table.admit(id_of(3), id_of(99)), admission::admitted);
  EXPECT_EQ(table.admit(id_of(4), id_of(20)), admission::unknown_node);
  EXPECT_EQ(table.admit(id_of(5), id_of(20)), admission::unknown_node) << "itself";
}

TEST(PeerTableTest, AContactIsCutWhenThePeerLeftMovedOrIsAnotherIncarnation) {
  peer_table table{id_of(1)};
  table.set({peer(2, 20), peer(3, 30), peer(4, 40), peer(5, 50)}, now);
  ASSERT_EQ(table.due(now).size(), 4u);
  for (std::uint8_t node = 2; node <= 5; ++node)
    table.connected(id_of(node), id_of(static_cast<std::uint8_t>(node * 10)));

  auto cut = table.set({peer(2, 20), peer(3, 31), peer(4, 40, 7001)}, now);

  std::sort(cut.begin(), cut.end());
  EXPECT_EQ(cut, (std::vector<uuid>{id_of(3), id_of(4), id_of(5)}));
  EXPECT_EQ(table.due(now).size(), 2u) << "the two that are still listed, at once";
  EXPECT_EQ(table.find(id_of(5)), nullptr);
}

TEST(PeerTableTest, LearningTheIncarnationThatIsInContactCutsNothing) {
  peer_table table{id_of(1)};
  table.set({peer(2)}, now);
  table.due(now);
  table.connected(id_of(2), id_of(20));

  EXPECT_TRUE(table.set({peer(2, 20)}, now).empty());
  EXPECT_TRUE(table.set({peer(2)}, now).empty());
  EXPECT_EQ(table.set({peer(2, 21)}, now), std::vector<uuid>{id_of(2)});
}

TEST(PeerTableTest, WhatHappensToANodeThatLeftIsIgnored) {
  peer_table table{id_of(1)};
  table.set({peer(2)}, now);
  table.due(now);
  table.set({}, now);

  table.connected(id_of(2), id_of(20));
  table.failed(id_of(2), now, 0);

  EXPECT_TRUE(table.due(now + seconds{60}).empty());
}
