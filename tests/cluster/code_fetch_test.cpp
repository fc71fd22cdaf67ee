#include "tests/cluster/code_fetch_fixture.hpp"

using namespace troupe;
using namespace troupe::cluster;

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
