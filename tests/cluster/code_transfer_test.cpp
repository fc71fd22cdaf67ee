#include "tests/cluster/code_fetch_fixture.hpp"

using namespace troupe;
using namespace troupe::cluster;

using CodeTransferTest = CodeFetchTest;

TEST_F(CodeTransferTest, AnotherPeerGoesOnWhereTheFirstBroke) {
  const auto code = package("a", 0, 0);
  sizes[code] = 1'000;
  give(1, code);
  give(2, code);
  int left = 4;
  for (auto& [id, each] : peers)
    each.breaks = [&left] { return --left == 0; };
  set_peers({1, 2});

  take(fetch.set_wanted({{code, code_shape::single}}, now));
  run();

  EXPECT_TRUE(here(code));
  EXPECT_EQ(peers[peer(1)].asked + peers[peer(2)].asked, 11u) << "ten pieces and one that broke";
  EXPECT_GT(peers[peer(1)].asked, 0u);
  EXPECT_GT(peers[peer(2)].asked, 0u);
}

TEST_F(CodeTransferTest, BacksOffWhileNobodyHasItAndLongerEachTime) {
  const auto code = package("a", 0, 0);
  set_peers({1, 2});
  take(fetch.set_wanted({{code}}, now));
  run();
  EXPECT_EQ(peers[peer(1)].asked, 1u);
  EXPECT_EQ(peers[peer(2)].asked, 1u);
  EXPECT_EQ(starved, std::vector{code});

  pass(999ms);
  EXPECT_EQ(peers[peer(1)].asked, 1u);
  pass(1ms);
  EXPECT_EQ(peers[peer(1)].asked, 2u);
  pass(1999ms);
  EXPECT_EQ(peers[peer(1)].asked, 2u);
  pass(1ms);
  EXPECT_EQ(peers[peer(1)].asked, 3u);
  for (int i = 0; i < 100; ++i)
    pass(60s);
  EXPECT_EQ(peers[peer(1)].asked, 103u) << "once a minute at last";
  EXPECT_EQ(starved.size(), 1u);

  give(2, code);
  pass(60s);
  EXPECT_TRUE(here(code));
}

TEST_F(CodeTransferTest, ANewPeerIsAskedAtOnce) {
  const auto code = package("a", 3, 10);
  set_peers({});
  take(fetch.set_wanted({{code}}, now));
  run();
  EXPECT_FALSE(here(code));

  give(7, code);
  set_peers({7});
  run();
  EXPECT_TRUE(here(code));
}

TEST_F(CodeTransferTest, APeerThatGivesWrongBytesIsAvoidedAndNamed) {
  const auto code = package("a", 20, 250);
  give(1, code);
  give(2, code);
  peers[peer(1)].lies = true;
  set_peers({1, 2});

  take(fetch.set_wanted({{code}}, now));
  run();

  EXPECT_TRUE(here(code));
  EXPECT_EQ(blamed, std::vector{peer(1)});
  const auto asked = peers[peer(1)].asked;
  const auto other = package("b", 20, 250);
  give(1, other);
  give(2, other);
  take(fetch.set_wanted({{code}, {other}}, now));
  run();
  EXPECT_TRUE(here(other));
  EXPECT_EQ(peers[peer(1)].asked, asked);
}

TEST_F(CodeTransferTest, AvoidanceEnds) {
  const auto code = package("a", 1, 250);
  give(1, code);
  peers[peer(1)].lies = true;
  set_peers({1});
  take(fetch.set_wanted({{code}}, now));
  run();
  EXPECT_EQ(blamed, std::vector{peer(1)});

  peers[peer(1)].lies = false;
  for (int i = 0; i < 5; ++i)
    pass(59s);
  EXPECT_FALSE(here(code));
  pass(60s);
  EXPECT_TRUE(here(code));
}

TEST_F(CodeTransferTest, WithBytesOfTwoPeersOnlyTheLiarIsBlamed) {
  std::size_t named_liars = 0;
  for (int trial = 0; trial < 8; ++trial) {
    fetch = code_fetch{};
    blamed.clear();
    const auto code = package("trial" + std::to_string(trial), 0, 0);
    sizes[code] = 1'000;
    give(1, code);
    give(2, code);
    peers[peer(1)].lies = true;
    // Whoever begins breaks once in the middle.
    int left = 5;
    for (auto& [id, each] : peers)
      each.breaks = [&left] { return --left == 0; };
    set_peers({1, 2});

    take(fetch.set_wanted({{code, code_shape::single}}, now));
    run();
    for (int i = 0; i < 10 && !here(code); ++i)
      pass(60s);

    EXPECT_TRUE(here(code));
    for (const auto& id : blamed)
      EXPECT_EQ(id, peer(1));
    named_liars += blamed.size();
  }
  EXPECT_GT(named_liars, 0u);
}

TEST_F(CodeTransferTest, AnAnswerThatIsNoneIsBlamedToo) {
  const auto code = package("a", 0, 0);
  give(2, code);
  set_peers({1, 2});
  take(fetch.set_wanted({{code}}, now));
  ASSERT_TRUE(step());
  ASSERT_FALSE(due.empty());
  const auto action = due.front();
  due.pop_front();
  take(fetch.piece({action.blob, action.peer, piece_outcome::invalid, 0, false}, now));
  EXPECT_EQ(blamed, std::vector{action.peer});
}

TEST_F(CodeTransferTest, AFullDiskPausesEverythingAndBlamesNobody) {
  const auto code = package("a", 10, 250);
  give(1, code);
  set_peers({1});
  disk_full = true;
  take(fetch.set_wanted({{code}}, now));
  run();
  const auto asked = peers[peer(1)].asked;
  EXPECT_LE(asked, 2u);
  pass(9s);
  EXPECT_EQ(peers[peer(1)].asked, asked);

  disk_full = false;
  pass(1s);
  EXPECT_TRUE(here(code));
  EXPECT_TRUE(blamed.empty());
}

TEST_F(CodeTransferTest, BreaksAtRandomNeverLoseAPackage) {
  std::uint32_t seed = 1;
  const auto random = [&seed] { return seed = seed * 1664525u + 1013904223u; };
  for (int trial = 0; trial < 30; ++trial) {
    const auto code = package("trial" + std::to_string(trial), 20, 350);
    give(1, code);
    give(2, code);
    give(3, code);
    for (auto& [id, each] : peers)
      each.breaks = [&] { return random() >> 16 & 3 ? false : true; };
    set_peers({1, 2, 3});
    take(fetch.set_wanted({{code}}, now));
    for (int i = 0; i < 200 && !here(code); ++i)
      pass(10s);
    ASSERT_TRUE(here(code)) << "trial " << trial;
  }
  EXPECT_TRUE(blamed.empty());
}
