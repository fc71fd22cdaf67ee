// Many writers and followers at once; their histories must fit into one total order.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <thread>

#include "tests/support/fault_disk.hpp"
#include "tests/support/lone_store.hpp"
#include "tests/support/store_client.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::cluster;
using namespace troupe::tests;

namespace {

constexpr std::size_t writers = 8;

struct written {
  std::uint64_t cursor = 0;
  std::string value;
  time_point begun;
  time_point answered;
};

std::uint64_t number_at(const std::vector<record>& records, const std::string& key, std::uint64_t& revision) {
  for (const auto& each : records)
    if (each.key == key) {
      revision = each.revision;
      return std::stoull(each.value);
    }
  revision = 0;
  return 0;
}

/// Counts up a record that all writers share, guarded by its revision, and writes down each success in one of its own.
std::vector<written> write_many(catalog_store& store, std::size_t writer, std::size_t commits) {
  store_client client{store};
  std::vector<written> history;
  std::uint64_t counter = 0;
  std::uint64_t revision = 0;
  const auto own = "writer/" + std::to_string(writer);
  while (history.size() < commits) {
    written next;
    next.value = std::to_string(writer) + ":" + std::to_string(history.size());
    next.begun = clock::now();
    const auto result = client.commit({{"counter", revision}},
                                      {{"counter", std::to_string(counter + 1), false}, {own, next.value, false}});
    next.answered = clock::now();
    if (const auto* standing = std::get_if<conflicted>(&result)) {
      counter = number_at(standing->records, "counter", revision);
      continue;
    }
    next.cursor = revision = cursor_of(result);
    EXPECT_NE(next.cursor, 0u);
    ++counter;
    history.push_back(std::move(next));
  }
  return history;
}

std::vector<applied> follow_until(catalog_store& store, std::uint64_t last) {
  store_client client{store};
  std::vector<applied> seen;
  cursor at;
  while (at.value < last) {
    const auto next = client.follow(at);
    for (const auto& commit : std::get<batch>(next).commits) {
      seen.push_back(commit);
      at = commit.cursor;
    }
  }
  return seen;
}

}  // namespace

namespace {

/// Writes and follows from many threads, checks what they saw against each other, and once more after a reopening.
void expect_one_total_order(const lone_store_options& options, std::size_t commits_each) {
  auto store = *open_lone_store(options);
  std::vector<std::vector<written>> histories(writers);
  std::vector<std::vector<applied>> followers(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t w = 0; w < writers; ++w)
      threads.emplace_back([&, w] { histories[w] = write_many(*store, w, commits_each); });
    for (auto& seen : followers)
      threads.emplace_back([&] { seen = follow_until(*store, writers * commits_each); });
  }

  std::map<std::uint64_t, written> order;
  for (const auto& history : histories)
    for (const auto& each : history)
      EXPECT_TRUE(order.emplace(each.cursor, each).second) << "two commits at cursor " << each.cursor;
  ASSERT_EQ(order.size(), writers * commits_each);
  EXPECT_EQ(order.begin()->first, 1u);
  EXPECT_EQ(order.rbegin()->first, order.size());

  // A commit that was answered before another began comes before it.
  auto earliest_answer = time_point::max();
  for (auto each = order.rbegin(); each != order.rend(); ++each) {
    EXPECT_GE(earliest_answer, each->second.begun) << "at cursor " << each->first;
    earliest_answer = std::min(earliest_answer, each->second.answered);
  }

  for (const auto& seen : followers) {
    ASSERT_EQ(seen.size(), order.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].cursor.value, i + 1);
      ASSERT_EQ(seen[i].puts.size(), 2u) << "a commit is seen whole";
      EXPECT_EQ(seen[i].puts[0].value, std::to_string(i + 1));
      EXPECT_EQ(seen[i].puts[1].value, order.at(i + 1).value);
    }
  }

  store.reset();
  store = *open_lone_store(options);
  std::uint64_t revision = 0;
  EXPECT_EQ(number_at(store_client{*store}.load()->records, "counter", revision), order.size());
  EXPECT_EQ(follow_until(*store, order.size()).size(), order.size());
}

}  // namespace

TEST(LoneStoreHistoryTest, EightWritersMakeOneTotalOrderWithoutGaps) {
  temp_folder folder;
  expect_one_total_order({.data_dir = folder.path()}, 8);
}

TEST(LoneStoreHistoryTest, SoTheyDoWhenTheDiskIsNotWhatLimitsThem) {
  fault_disk disk;
  expect_one_total_order({.data_dir = "/disk", .vfs = disk.name()}, 200);
}

TEST(LoneStoreHistoryTest, CommitsThatWaitShareATransaction) {
  temp_folder folder;
  auto store = *open_lone_store({.data_dir = folder.path()});
  constexpr int count = 1'000;
  std::atomic<int> committed_ones = 0;
  const auto begun = clock::now();

  for (int i = 0; i < count; ++i)
    store->commit({}, {{"key" + std::to_string(i), std::string(500, 'x'), false}}, make_uuid(),
                  clock::now() + seconds{30},
                  [&](const commit_result& result) { committed_ones += cursor_of(result) != 0; });
  EXPECT_EQ(store_client{*store}.outcome(make_uuid())->state, settled::voided);
  const auto took = std::chrono::duration<double>(clock::now() - begun).count();

  EXPECT_EQ(committed_ones, count);
  RecordProperty("commits_per_s", static_cast<int>(count / took));
}
