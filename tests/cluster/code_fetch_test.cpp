#include "cluster/code_fetch.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

uuid peer(std::uint8_t number) {
  uuid id;
  id.bytes[15] = number;
  return id;
}

digest named(const std::string& name) {
  return sha256(name);
}

/// A disk, and peers that have blobs of some size, give wrong bytes or break.
class CodeFetchTest : public testing::Test {
protected:
  struct blob_on_disk {
    std::uint64_t stored = 0;
    bool whole = false;
    bool wrong = false;
  };
  struct fake_peer {
    std::set<digest> blobs;
    bool lies = false;
    bool up = true;
    std::function<bool()> breaks = [] { return false; };
    std::size_t asked = 0;
  };
  static constexpr std::uint64_t piece = 100;

  /// A package of files that have `bytes` each; the manifest has 50.
  digest package(const std::string& name, std::size_t files, std::uint64_t bytes) {
    const auto code = named(name);
    sizes[code] = 50;
    for (std::size_t i = 0; i < files; ++i) {
      const auto file = named(name + std::to_string(i));
      sizes[file] = bytes;
      contents[code].push_back(file);
    }
    return code;
  }
  void give(std::uint8_t number, const digest& code) {
    auto& blobs = peers[peer(number)].blobs;
    blobs.insert(code);
    blobs.insert(contents[code].begin(), contents[code].end());
  }
  bool here(const digest& code) {
    for (const auto& file : contents[code])
      if (!disk[file].whole)
        return false;
    return disk[code].whole;
  }
  void set_peers(std::initializer_list<std::uint8_t> numbers) {
    std::vector<uuid> ids;
    for (const auto number : numbers)
      ids.push_back(peer(number));
    take(fetch.set_peers(ids, now));
  }

  void take(const code_actions& actions) {
    for (const auto& action : actions)
      switch (action.kind) {
        case code_action_kind::complete: completed.push_back(action.code.code); break;
        case code_action_kind::blame: blamed.push_back(action.peer); break;
        case code_action_kind::starve: starved.push_back(action.code.code); break;
        case code_action_kind::examine: ++examining; [[fallthrough]];
        case code_action_kind::fetch: due.push_back(action); break;
      }
  }
  /// Carries out what is due, the oldest first. @returns false when there is nothing.
  bool step() {
    std::size_t fetching = 0;
    for (const auto& action : due)
      fetching += action.kind == code_action_kind::fetch;
    EXPECT_LE(fetching, 2u);
    EXPECT_LE(examining, 1u);
    if (due.empty())
      return false;
    const auto action = due.front();
    due.pop_front();
    if (action.kind == code_action_kind::examine)
      examine(action);
    else
      transfer(action);
    return true;
  }
  void run() {
    for (int i = 0; step(); ++i)
      ASSERT_LT(i, 100'000) << "it never ends";
  }
  void pass(duration time) {
    now += time;
    take(fetch.tick(now));
    run();
  }

  void examine(const code_action& action) {
    --examining;
    std::vector<missing_blob> missing;
    const auto add = [&](const digest& blob) {
      if (!disk[blob].whole)
        missing.push_back({blob, disk[blob].stored});
    };
    const auto& code = action.code.code;
    add(code);
    if (disk[code].whole)
      for (const auto& file : contents[code])
        add(file);
    take(fetch.examined(code, missing, now));
  }
  void transfer(const code_action& action) {
    auto& from = peers[action.peer];
    auto& to = disk[action.blob];
    ++from.asked;
    piece_result result{action.blob, action.peer, piece_outcome::failed, to.stored, false};
    if (action.restart)
      to = {};
    if (!from.up || from.breaks()) {
      result.outcome = piece_outcome::failed;
    } else if (disk_full) {
      result.outcome = piece_outcome::disk;
    } else if (!from.blobs.contains(action.blob)) {
      result.outcome = piece_outcome::absent;
    } else {
      EXPECT_EQ(action.offset, to.stored) << "resumes where the disk says";
      to.stored = std::min(to.stored + piece, sizes[action.blob]);
      to.wrong = to.wrong || from.lies;
      result.stored = to.stored;
      result.outcome = piece_outcome::stored;
      if (to.stored == sizes[action.blob]) {
        result.outcome = to.wrong ? piece_outcome::wrong : piece_outcome::whole;
        to = {0, !to.wrong, false};
      }
    }
    take(fetch.piece(result, now));
  }

  code_fetch fetch;
  time_point now{1h};
  std::map<digest, std::uint64_t> sizes;
  std::map<digest, std::vector<digest>> contents;
  std::map<digest, blob_on_disk> disk;
  std::map<uuid, fake_peer> peers;
  bool disk_full = false;
  std::deque<code_action> due;
  std::size_t examining = 0;
  std::vector<digest> completed;
  std::vector<digest> starved;
  std::vector<uuid> blamed;
};

}  // namespace

TEST_F(CodeFetchTest, FetchesTheManifestAndThenItsFiles) {
  const auto code = package("a", 300, 250);
  give(1, code);
  set_peers({1});

  take(fetch.set_wanted({{code}}, now));
  run();

  EXPECT_TRUE(here(code));
  EXPECT_EQ(completed, std::vector{code});
  EXPECT_TRUE(fetch.is_complete(code));
  EXPECT_EQ(peers[peer(1)].asked, 1u + 300u * 3u);
  EXPECT_TRUE(starved.empty());
}

TEST_F(CodeFetchTest, WhatIsOnTheDiskIsNotAskedFor) {
  const auto code = package("a", 2, 50);
  for (const auto& [blob, size] : sizes)
    disk[blob] = {size, true, false};
  set_peers({1});
  take(fetch.set_wanted({{code}}, now));
  run();
  EXPECT_EQ(completed, std::vector{code});
  EXPECT_EQ(peers[peer(1)].asked, 0u);
}

TEST_F(CodeFetchTest, AnotherPeerGoesOnWhereTheFirstBroke) {
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

TEST_F(CodeFetchTest, BacksOffWhileNobodyHasItAndLongerEachTime) {
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

TEST_F(CodeFetchTest, ANewPeerIsAskedAtOnce) {
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

TEST_F(CodeFetchTest, WhatNobodyHasDoesNotHoldUpTheRest) {
  const auto lost = package("lost", 5, 10);
  const auto good = package("good", 5, 10);
  peers[peer(1)].blobs.insert(lost);
  give(1, good);
  set_peers({1});
  take(fetch.set_wanted({{lost}, {good}}, now));
  run();
  EXPECT_TRUE(here(good));
  EXPECT_EQ(starved, std::vector{lost});
}

TEST_F(CodeFetchTest, APeerThatGivesWrongBytesIsAvoidedAndNamed) {
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

TEST_F(CodeFetchTest, AvoidanceEnds) {
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

TEST_F(CodeFetchTest, WithBytesOfTwoPeersOnlyTheLiarIsBlamed) {
  const auto code = package("a", 0, 0);
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
}

TEST_F(CodeFetchTest, AnAnswerThatIsNoneIsBlamedToo) {
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

TEST_F(CodeFetchTest, AFullDiskPausesEverythingAndBlamesNobody) {
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

TEST_F(CodeFetchTest, WhatSomebodyWaitsForComesFirst) {
  const auto large = package("large", 1'000, 1'000);
  const auto small = package("small", 10, 100);
  give(1, large);
  give(1, small);
  set_peers({1});
  take(fetch.set_wanted({{large}, {small}}, now));
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(step());
  take(fetch.hurry({small}, now));
  take(fetch.set_wanted({{large}, {small}}, now));
  for (int i = 0; i < 50 && !here(small); ++i)
    ASSERT_TRUE(step());
  EXPECT_TRUE(here(small));
  EXPECT_FALSE(here(large));
  run();
  EXPECT_TRUE(here(large));
}

TEST_F(CodeFetchTest, CodeThatWasDamagedIsFetchedAnew) {
  const auto code = package("a", 3, 10);
  give(1, code);
  set_peers({1});
  take(fetch.set_wanted({{code}}, now));
  run();
  disk[contents[code][1]] = {};
  take(fetch.hurry({code}, now));
  EXPECT_FALSE(fetch.is_complete(code));
  run();
  EXPECT_TRUE(here(code));
  EXPECT_EQ(completed.size(), 2u);
}

TEST_F(CodeFetchTest, ABlobOfTwoPackagesComesOnce) {
  const auto a = package("a", 40, 10);
  const auto b = package("b", 40, 10);
  contents[b] = contents[a];
  give(1, a);
  give(1, b);
  set_peers({1});
  take(fetch.set_wanted({{a}, {b}}, now));
  run();
  EXPECT_TRUE(here(a) && here(b));
  EXPECT_EQ(peers[peer(1)].asked, 42u);
}

TEST_F(CodeFetchTest, WhatIsNoLongerWantedIsLeft) {
  const auto code = package("a", 100, 10);
  give(1, code);
  set_peers({1});
  take(fetch.set_wanted({{code}}, now));
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(step());
  take(fetch.set_wanted({}, now));
  run();
  EXPECT_LT(peers[peer(1)].asked, 15u);
  EXPECT_TRUE(completed.empty());
  EXPECT_EQ(fetch.incomplete(), 0u);
}

TEST_F(CodeFetchTest, AnUnreadableDiskIsLookedAtAgain) {
  const auto code = package("a", 1, 10);
  give(1, code);
  set_peers({1});
  take(fetch.set_wanted({{code}}, now));
  due.clear();
  examining = 0;
  take(fetch.examined(code, std::nullopt, now));
  EXPECT_TRUE(due.empty());
  pass(1s);
  EXPECT_TRUE(here(code));
}

TEST_F(CodeFetchTest, BreaksAtRandomNeverLoseAPackage) {
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
