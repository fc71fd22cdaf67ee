#include "cluster/copy_feed.hpp"

#include <gtest/gtest.h>

#include "cluster/copy_sync.hpp"
#include "cluster/primary.hpp"

using namespace troupe;
using namespace troupe::cluster;

namespace {

struct CopyFeedTest : testing::Test {
  store_identity identity{make_fast_uuid(), {1, 2}, {}, {}};
  primary store = *primary::make({});
  copy_feed feed{{1'000, 3'000}};
  node_id copy = make_fast_uuid();
  time_point now{};

  void commit(std::size_t bytes, int count = 1) {
    for (int i = 0; i < count; ++i) {
      store.decide({{}, {{"k" + std::to_string(i), std::string(bytes, 'x'), false}}, make_fast_uuid()},
                   milliseconds{0});
      store.made_durable();
    }
  }
  std::vector<send_message> sent() { return feed.pump(identity, store); }
  std::size_t rows(const std::vector<send_message>& messages) {
    std::size_t count = 0;
    for (const auto& each : messages)
      count += std::get<rows_message>(each.message).rows.size();
    return count;
  }
};

}  // namespace

TEST_F(CopyFeedTest, AFollowerGetsEveryRowOnceAndNoMoreThanItsWindowAhead) {
  feed.subscribe(copy, {identity, {0}, {}}, identity, store, now);
  commit(700, 8);

  const auto first = rows(sent());
  EXPECT_GE(first, 3u);
  EXPECT_LE(first, 5u);
  EXPECT_EQ(rows(sent()), 0u);

  feed.said(copy, {{first}, *store.hash_at({first})}, now);
  EXPECT_GE(rows(sent()), 3u);
  EXPECT_EQ(feed.behind({first}).size(), 0u);
  EXPECT_EQ(feed.behind({8}).size(), 1u);
}

TEST_F(CopyFeedTest, AStoreComesInPiecesWhenAskedAndRowsAfterIt) {
  commit(300, 20);
  feed.subscribe(copy, {}, identity, store, now);
  copy_sync sync;
  std::shared_ptr<const stored_store> got;
  int pieces = 0;
  while (!got) {
    auto messages = sent();
    ASSERT_EQ(messages.size(), 1u);
    if (!std::get<load_message>(messages[0].message).last) {
      EXPECT_TRUE(sent().empty()) << "not before it is asked for";
    }
    if (pieces++ == 0)
      commit(10);
    auto next = sync.take(std::get<load_message>(messages[0].message));
    ASSERT_TRUE(next);
    if (*next)
      feed.load_next(copy, **next);
    else
      got = sync.loaded();
  }

  EXPECT_GT(pieces, 5);
  auto loaded = history::make(got->state);
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->barrier(), cursor{20});
  EXPECT_EQ(rows(sent()), 1u);
}

TEST_F(CopyFeedTest, APieceOutOfPlaceIsRefused) {
  commit(300, 20);
  feed.subscribe(copy, {}, identity, store, now);
  copy_sync sync;
  const auto first = std::get<load_message>(sent()[0].message);
  ASSERT_TRUE(sync.take(first));
  feed.load_next(copy, 1);
  feed.load_next(copy, 1);
  const auto second = std::get<load_message>(sent()[0].message);

  ASSERT_TRUE(sync.take(second));
  EXPECT_FALSE(sync.take(second));
  EXPECT_FALSE(sync.take(second)) << "what had arrived is forgotten";
}

TEST_F(CopyFeedTest, AnotherHistoryIsNotFed) {
  commit(10, 2);
  feed.subscribe(copy, {identity, {2}, sha256("other")}, identity, store, now);
  commit(10);
  EXPECT_TRUE(sent().empty());

  feed.subscribe(copy, {identity, {9}, {}}, identity, store, now);
  EXPECT_TRUE(sent().empty());
}

TEST_F(CopyFeedTest, AFollowerThatFallsBehindTheLogIsLoadedAndThenFedAgain) {
  primary_limits limits;
  limits.log_commits = 2;
  store = *primary::make({}, limits);
  feed = copy_feed{};  // one message holds it all
  feed.subscribe(copy, {identity, {0}, {}}, identity, store, now);
  commit(10, 6);

  const auto loads = sent();
  ASSERT_EQ(loads.size(), 1u);
  EXPECT_TRUE(std::get<load_message>(loads[0].message).last);
  EXPECT_EQ(std::get<load_message>(loads[0].message).at, cursor{6});
  commit(10);

  EXPECT_EQ(rows(sent()), 1u);
}
