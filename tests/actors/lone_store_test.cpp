#include "tests/support/lone_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <latch>
#include <thread>

#include "tests/support/store_client.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::cluster;
using namespace troupe::tests;

namespace {

struct LoneStoreTest : testing::Test {
  temp_folder folder;
  lone_store_options options{.data_dir = folder.path()};
  std::unique_ptr<catalog_store> store = opened();

  std::unique_ptr<catalog_store> opened() {
    auto made = open_lone_store(options);
    EXPECT_TRUE(made.has_value()) << made.error().what;
    return std::move(*made);
  }
  void reopen() {
    store.reset();
    store = opened();
  }
  store_client client() { return store_client{*store}; }
  std::string contents() {
    const auto all = client().load();
    std::string text;
    for (const auto& each : all->records)
      text += each.key + "=" + each.value + "@" + std::to_string(each.revision) + " ";
    return text;
  }
};

/// Holds the store's thread in a callback, so that a test decides what waits behind it.
class held_thread {
public:
  explicit held_thread(catalog_store& store) {
    store.barrier(clock::now() + seconds{30}, [this](auto) {
      held_.count_down();
      free_.wait();
    });
    held_.wait();
  }
  void let_go() { free_.count_down(); }

private:
  std::latch held_{1};
  std::latch free_{1};
};

}  // namespace

TEST_F(LoneStoreTest, ReopeningShowsWhatWasAcknowledged) {
  client().put("a", "1");
  client().put("b", std::string("bytes\0with a NUL", 16));
  client().commit({{"a", 1}}, {{"a", "2", false}, {"b", "", true}, {"c", "", false}});

  reopen();

  EXPECT_EQ(contents(), "a=2@3 c=@3 ");
  EXPECT_EQ(client().barrier()->value, 3u);
  EXPECT_EQ(std::get<batch>(client().follow({0})).commits.size(), 3u);
  EXPECT_EQ(cursor_of(client().put("d", "1")), 4u);
}

TEST_F(LoneStoreTest, TheIdentityIsMadeOnceAndKept) {
  const auto first = *client().open();
  reopen();
  const auto second = *client().open();
  temp_folder elsewhere;
  auto other = open_lone_store({.data_dir = elsewhere.path()});

  EXPECT_NE(first.store_id, uuid{});
  EXPECT_EQ(first.generation.counter, 1u);
  EXPECT_NE(first.generation.salt, 0u);
  EXPECT_EQ(first.parent_store, uuid{});
  EXPECT_EQ(second.store_id, first.store_id);
  EXPECT_EQ(second.generation, first.generation);
  EXPECT_NE(store_client{**other}.open()->store_id, first.store_id);
}

TEST_F(LoneStoreTest, TheFileIsItsOwnersAlone) {
  struct stat found {};
  ASSERT_EQ(::stat((folder.path() + "/store.db").c_str(), &found), 0);

  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(LoneStoreTest, ARepeatedIdIsAnsweredAsTheFirstTimeAlsoAfterAReopening) {
  const auto id = make_uuid();
  client().commit({{"a", 0}}, {{"a", "1", false}}, id);
  EXPECT_EQ(cursor_of(client().commit({{"a", 0}}, {{"a", "1", false}}, id)), 1u);

  reopen();

  EXPECT_EQ(cursor_of(client().commit({{"a", 0}}, {{"a", "1", false}}, id)), 1u);
  EXPECT_EQ(contents(), "a=1@1 ");
}

TEST_F(LoneStoreTest, OutcomeSettlesAnIdForGood) {
  const auto done = make_uuid();
  const auto lost = make_uuid();
  client().put("a", "1", done);

  EXPECT_EQ(client().outcome(done)->state, settled::committed);
  EXPECT_EQ(client().outcome(done)->cursor.value, 1u);
  EXPECT_EQ(client().outcome(lost)->state, settled::voided);
  reopen();

  EXPECT_EQ(client().outcome(lost)->state, settled::voided);
  EXPECT_TRUE(std::holds_alternative<voided>(client().put("b", "1", lost)));
  EXPECT_EQ(contents(), "a=1@1 ");
}

TEST_F(LoneStoreTest, WhatIsTooBigIsRefused) {
  EXPECT_EQ(why_refused(client().put("a", std::string(max_record_bytes + 1, 'x')))->code, errc::too_big);
  EXPECT_EQ(why_refused(client().put("", "1"))->code, errc::bad_usage);
  EXPECT_EQ(why_refused(client().put("a", "1", commit_id{}))->code, errc::bad_usage);
  EXPECT_EQ(client().outcome(commit_id{}).error().code, errc::bad_usage);
  EXPECT_EQ(contents(), "");
}

TEST_F(LoneStoreTest, OldRowsAreTrimmedForGood) {
  options.limits.log_commits = 5;
  options.limits.history_rows = 8;
  options.limits.id_lifetime = milliseconds{0};
  reopen();
  for (int i = 0; i < 20; ++i)
    client().put("a", std::to_string(i));
  EXPECT_TRUE(std::holds_alternative<gap>(client().follow({14})));

  reopen();

  EXPECT_TRUE(std::holds_alternative<gap>(client().follow({14})));
  EXPECT_EQ(std::get<batch>(client().follow({15})).commits.size(), 5u);
  EXPECT_EQ(contents(), "a=19@20 ");
}

TEST_F(LoneStoreTest, ACommitWhoseDeadlinePassedIsNotBegun) {
  held_thread thread{*store};
  const auto late = make_uuid();
  auto answer = client().start({}, {{"late", "1", false}}, late, milliseconds{-1});
  thread.let_go();

  const auto result = answer.get();
  EXPECT_EQ(why_refused(result)->code, errc::unavailable);
  EXPECT_EQ(client().load(milliseconds{-1}).error().code, errc::unavailable);
  EXPECT_EQ(contents(), "");
}

TEST_F(LoneStoreTest, ALateRepeatOfACommittedIdIsStillAnsweredTruly) {
  const auto id = make_uuid();
  client().put("a", "1", id);

  EXPECT_EQ(cursor_of(client().start({}, {{"a", "1", false}}, id, milliseconds{-1}).get()), 1u);
}

TEST_F(LoneStoreTest, AFullQueueRefusesAndTheRestIsAnswered) {
  options.max_waiting = 3;
  reopen();
  held_thread thread{*store};
  auto first = client().start({}, {{"a", "1", false}});
  auto second = client().start({}, {{"b", "1", false}});
  auto third = client().start_following({0});
  EXPECT_EQ(why_refused(client().put("c", "1"))->code, errc::unavailable);
  EXPECT_EQ(client().load().error().code, errc::unavailable);
  thread.let_go();

  EXPECT_EQ(cursor_of(first.get()), 1u);
  EXPECT_EQ(cursor_of(second.get()), 2u);
  EXPECT_GE(std::get<batch>(third.get()).commits.size(), 1u);
  EXPECT_EQ(cursor_of(client().put("c", "1")), 3u);
}

TEST_F(LoneStoreTest, TheBytesThatWaitAreBounded) {
  options.max_waiting_bytes = 100'000;
  reopen();
  held_thread thread{*store};
  auto first = client().start({}, {{"a", std::string(60'000, 'x'), false}});
  EXPECT_EQ(why_refused(client().put("b", std::string(60'000, 'x')))->code, errc::unavailable);
  thread.let_go();

  EXPECT_EQ(cursor_of(first.get()), 1u);
  EXPECT_EQ(cursor_of(client().put("b", std::string(60'000, 'x'))), 2u);
}

TEST_F(LoneStoreTest, AFollowerWaitsForTheNextCommit) {
  client().put("a", "1");
  auto waiting = client().start_following({1});
  auto another = client().start_following({1});

  client().put("a", "2");

  EXPECT_EQ(std::get<batch>(waiting.get()).commits.at(0).cursor.value, 2u);
  EXPECT_EQ(std::get<batch>(another.get()).commits.at(0).puts.at(0).value, "2");
}

TEST_F(LoneStoreTest, AFollowerWithoutNewsGetsAnEmptyBatchAtItsDeadline) {
  const auto begun = clock::now();
  auto longer = client().start_following({0}, std::chrono::hours{1});
  auto result = client().follow({0}, milliseconds{5});

  EXPECT_TRUE(std::get<batch>(result).commits.empty());
  EXPECT_GE(clock::now() - begun, milliseconds{5});
  EXPECT_TRUE(std::get<batch>(client().follow({0}, milliseconds{-1})).commits.empty());
  store->close();
  EXPECT_EQ(std::get<refused>(longer.get()).why.code, errc::unavailable);
}

TEST_F(LoneStoreTest, FollowersThatWaitAreBounded) {
  options.max_followers = 1;
  reopen();
  auto waiting = client().start_following({0});
  EXPECT_EQ(std::get<refused>(client().follow({0})).why.code, errc::unavailable);

  client().put("a", "1");

  EXPECT_EQ(std::get<batch>(waiting.get()).commits.size(), 1u);
}

TEST_F(LoneStoreTest, ClosingAnswersEverythingThatWaits) {
  auto follower = client().start_following({0});
  client().barrier();
  held_thread thread{*store};
  auto commit = client().start({}, {{"a", "1", false}});
  std::thread closer{[this] { store->close(); }};
  // A call that is refused at once as closed shows that `close` has begun; the others wait, or find the queue full.
  for (bool closing = false; !closing; std::this_thread::yield()) {
    auto call = client().start_following({0}, milliseconds{-1});
    if (call.wait_for(seconds{0}) == std::future_status::ready) {
      const auto result = call.get();
      closing = std::get<refused>(result).why.what == "the store is closed";
    }
  }
  thread.let_go();
  closer.join();

  EXPECT_EQ(why_refused(commit.get())->code, errc::unavailable);
  EXPECT_EQ(std::get<refused>(follower.get()).why.code, errc::unavailable);
  EXPECT_EQ(why_refused(client().put("a", "1"))->code, errc::unavailable);
  EXPECT_EQ(client().load().error().code, errc::unavailable);
  store->close();
  reopen();
  EXPECT_EQ(contents(), "");
}

TEST_F(LoneStoreTest, AStoreHasOneOwner) {
  const auto second = open_lone_store(options);

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::refused);
  EXPECT_NE(second.error().what.find("store.db"), std::string::npos);
}

TEST_F(LoneStoreTest, AnUnusableDirectoryIsNamed) {
  const auto missing = open_lone_store({.data_dir = folder.path() + "/missing"});
  std::filesystem::create_directories(folder.path() + "/d/store.db");
  const auto folder_there = open_lone_store({.data_dir = folder.path() + "/d"});

  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, errc::io);
  EXPECT_NE(missing.error().what.find("/missing/store.db"), std::string::npos);
  ASSERT_FALSE(folder_there.has_value());
  EXPECT_EQ(folder_there.error().code, errc::io);
}
