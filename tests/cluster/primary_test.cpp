#include "cluster/primary.hpp"

#include <gtest/gtest.h>

#include "config/ids.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// A primary whose disk never fails and whose clock a test moves.
struct PrimaryTest : testing::Test {
  primary store = *primary::make({});
  milliseconds now{0};

  commit_result staged(std::vector<guard> guards, std::vector<cluster::write> writes, commit_id id = make_fast_uuid()) {
    return store.decide({std::move(guards), std::move(writes), id}, now);
  }
  commit_result commit(std::vector<guard> guards, std::vector<cluster::write> writes, commit_id id = make_fast_uuid()) {
    auto result = staged(std::move(guards), std::move(writes), id);
    store.made_durable();
    return result;
  }
  std::uint64_t put(const std::string& key, const std::string& value) {
    return std::get<committed>(commit({}, {{key, value, false}})).cursor.value;
  }
  std::string contents() const {
    std::string text;
    for (const auto& each : store.load().records)
      text += each.key + "=" + each.value + "@" + std::to_string(each.revision) + " ";
    return text;
  }
};

}  // namespace

TEST_F(PrimaryTest, ARevisionIsTheCursorOfTheCommitThatWroteTheRecord) {
  EXPECT_EQ(put("a", "1"), 1u);
  EXPECT_EQ(put("b", "1"), 2u);
  EXPECT_EQ(put("a", "2"), 3u);

  EXPECT_EQ(contents(), "a=2@3 b=1@2 ");
  EXPECT_EQ(store.load().cursor, cursor{3});
  EXPECT_EQ(store.barrier(), cursor{3});
}

TEST_F(PrimaryTest, GuardsCompareRevisionsAndAbsence) {
  put("a", "1");

  EXPECT_TRUE(std::holds_alternative<committed>(commit({{"a", 1}, {"b", 0}}, {{"b", "1", false}})));
  EXPECT_TRUE(std::holds_alternative<conflicted>(commit({{"a", 2}}, {{"a", "2", false}})));
  EXPECT_TRUE(std::holds_alternative<conflicted>(commit({{"b", 0}}, {{"b", "2", false}})));
  EXPECT_TRUE(std::holds_alternative<conflicted>(commit({{"c", 2}}, {{"c", "1", false}})));
  EXPECT_EQ(contents(), "a=1@1 b=1@2 ");
}

TEST_F(PrimaryTest, AConflictShowsTheRecordsThatStandAtTheGuardedKeys) {
  put("a", "1");
  put("b", "2");

  const auto result = commit({{"a", 1}, {"b", 1}, {"c", 0}, {"a", 1}}, {{"a", "9", false}});

  const auto& records = std::get<conflicted>(result).records;
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].key + records[0].value, "a1");
  EXPECT_EQ(records[1].key + records[1].value, "b2");
  EXPECT_EQ(records[1].revision, 2u);
}

TEST_F(PrimaryTest, AllWritesOfACommitAreAppliedOrNone) {
  put("a", "1");
  put("b", "1");

  commit({{"a", 7}}, {{"a", "2", false}, {"b", "", true}, {"c", "2", false}});
  EXPECT_EQ(contents(), "a=1@1 b=1@2 ");

  commit({{"a", 1}}, {{"a", "2", false}, {"b", "", true}, {"c", "2", false}});
  EXPECT_EQ(contents(), "a=2@3 c=2@3 ");
}

TEST_F(PrimaryTest, NothingStagedIsSeenBeforeItIsDurableAndNothingDroppedEver) {
  put("a", "1");
  const auto id = make_fast_uuid();

  staged({{"a", 1}}, {{"a", "2", false}, {"b", "1", false}}, id);
  EXPECT_EQ(contents(), "a=1@1 ");
  EXPECT_EQ(store.barrier(), cursor{1});
  EXPECT_EQ(store.known(id), std::nullopt);
  EXPECT_TRUE(std::get<batch>(store.follow({1})).commits.empty());
  store.drop_staged();

  EXPECT_FALSE(store.has_staged());
  EXPECT_EQ(put("c", "1"), 2u);
  EXPECT_EQ(contents(), "a=1@1 c=1@2 ");
}

TEST_F(PrimaryTest, CommitsOfOneGroupSeeEachOther) {
  staged({{"a", 0}}, {{"a", "1", false}});
  const auto second = staged({{"a", 0}}, {{"a", "2", false}});
  const auto third = staged({{"a", 1}}, {{"a", "", true}});
  const auto fourth = staged({{"a", 0}}, {{"a", "4", false}});
  store.made_durable();

  EXPECT_EQ(std::get<conflicted>(second).records.at(0).value, "1");
  EXPECT_TRUE(std::holds_alternative<committed>(third));
  EXPECT_EQ(std::get<committed>(fourth).cursor, cursor{3});
  EXPECT_EQ(contents(), "a=4@3 ");
}

TEST_F(PrimaryTest, ARepeatedIdIsAnsweredAsTheFirstTime) {
  const auto id = make_fast_uuid();
  commit({{"a", 0}}, {{"a", "1", false}}, id);
  put("a", "2");

  const auto again = staged({{"a", 0}}, {{"a", "1", false}}, id);

  EXPECT_EQ(std::get<committed>(again).cursor, cursor{1});
  EXPECT_FALSE(store.has_staged());
  EXPECT_EQ(contents(), "a=2@2 ");
}

TEST_F(PrimaryTest, AConflictLeavesItsIdFree) {
  put("a", "1");
  const auto id = make_fast_uuid();
  EXPECT_TRUE(std::holds_alternative<conflicted>(commit({{"a", 9}}, {{"a", "2", false}}, id)));

  EXPECT_TRUE(std::holds_alternative<committed>(commit({{"a", 1}}, {{"a", "2", false}}, id)));
}

TEST_F(PrimaryTest, AnIdThatWasSettledAsVoidNeverCommits) {
  const auto id = make_fast_uuid();

  EXPECT_TRUE(std::holds_alternative<voided>(store.settle(id, now)));
  store.made_durable();

  EXPECT_TRUE(std::holds_alternative<voided>(commit({}, {{"a", "1", false}}, id)));
  EXPECT_TRUE(std::holds_alternative<voided>(store.settle(id, now)));
  EXPECT_EQ(contents(), "");
  EXPECT_EQ(store.barrier(), cursor{1}) << "the settling has its place in the history";
}

TEST_F(PrimaryTest, SettlingACommittedIdTellsItsCursorAndChangesNothing) {
  const auto id = make_fast_uuid();
  put("a", "1");
  commit({}, {{"b", "1", false}}, id);

  EXPECT_EQ(std::get<committed>(store.settle(id, now)).cursor, cursor{2});
  EXPECT_FALSE(store.has_staged());
}

TEST_F(PrimaryTest, IdsAreKeptForSeventyMinutes) {
  const auto id = make_fast_uuid();
  commit({}, {{"a", "1", false}}, id);

  now = 70min;
  EXPECT_EQ(std::get<committed>(commit({}, {{"a", "2", false}}, id)).cursor, cursor{1});
  now = 70min + 1ms;
  EXPECT_EQ(std::get<committed>(commit({}, {{"a", "3", false}}, id)).cursor, cursor{2});
}

TEST_F(PrimaryTest, TheClockNeverGoesBack) {
  now = 60min;
  put("a", "1");
  now = 1min;
  put("a", "2");

  EXPECT_EQ(store.last_time(), 60min);
}

TEST_F(PrimaryTest, WhatIsTooBigOrMalformedIsRefusedAndLeavesItsIdFree) {
  const auto id = make_fast_uuid();
  const auto code_of = [&](std::vector<guard> guards, std::vector<cluster::write> writes, commit_id with) {
    const auto result = commit(std::move(guards), std::move(writes), with);
    const auto* refusal = std::get_if<refused>(&result);
    return refusal == nullptr ? errc{} : refusal->why.code;
  };
  std::vector<cluster::write> many;
  for (int i = 0; i < 100; ++i)
    many.push_back({"key" + std::to_string(i), "v", false});
  std::vector<cluster::write> heavy;
  for (int i = 0; i < 16; ++i)
    heavy.push_back({"key" + std::to_string(i), std::string(62'500, 'x'), false});

  EXPECT_EQ(code_of({{"a", 0}}, many, id), errc::too_big);
  EXPECT_EQ(code_of({}, {{"a", std::string(max_record_bytes + 1, 'x'), false}}, id), errc::too_big);
  EXPECT_EQ(code_of({}, heavy, id), errc::too_big);
  EXPECT_EQ(code_of({}, {{"a", "1", false}, {"a", "2", false}}, id), errc::bad_usage);
  EXPECT_EQ(code_of({}, {{"", "1", false}}, id), errc::bad_usage);
  EXPECT_EQ(code_of({{"", 0}}, {}, id), errc::bad_usage);
  EXPECT_EQ(code_of({}, {{"a", "1", false}}, commit_id{}), errc::bad_usage);
  EXPECT_EQ(contents(), "");

  EXPECT_EQ(code_of({}, many, id), errc{});
  EXPECT_EQ(code_of({}, {{"a", std::string(max_record_bytes, 'x'), false}}, make_fast_uuid()), errc{});
}

TEST_F(PrimaryTest, AFollowerGetsEveryCommitOnceInOrder) {
  put("a", "1");
  commit({}, {{"a", "", true}, {"b", "2", false}, {"never there", "", true}});
  store.settle(make_fast_uuid(), now);
  store.made_durable();
  put("c", "3");

  const auto commits = std::get<batch>(store.follow({1})).commits;

  ASSERT_EQ(commits.size(), 3u);
  EXPECT_EQ(commits[0].cursor, cursor{2});
  EXPECT_EQ(commits[0].puts.at(0).key, "b");
  EXPECT_EQ(commits[0].erased, std::vector<std::string>{"a"});
  EXPECT_EQ(commits[1].cursor, cursor{3});
  EXPECT_TRUE(commits[1].puts.empty());
  EXPECT_EQ(commits[2].puts.at(0).revision, 4u);
  EXPECT_TRUE(std::get<batch>(store.follow({4})).commits.empty());
}

TEST_F(PrimaryTest, AFollowerBehindTheLogOrAheadOfTheHistoryMustLoadAgain) {
  primary_limits limits;
  limits.log_commits = 3;
  store = *primary::make({}, limits);
  for (int i = 0; i < 10; ++i)
    put("a", std::to_string(i));

  EXPECT_TRUE(std::holds_alternative<gap>(store.follow({0})));
  EXPECT_TRUE(std::holds_alternative<gap>(store.follow({6})));
  EXPECT_EQ(std::get<batch>(store.follow({7})).commits.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<gap>(store.follow({11})));
}

TEST_F(PrimaryTest, TheLogIsBoundedInBytesAsWell) {
  primary_limits limits;
  limits.log_bytes = 100'000;
  store = *primary::make({}, limits);
  for (int i = 0; i < 10; ++i)
    put("a", std::string(30'000, 'x'));

  EXPECT_TRUE(std::holds_alternative<gap>(store.follow({6})));
  EXPECT_EQ(std::get<batch>(store.follow({7})).commits.size(), 3u);
}

TEST_F(PrimaryTest, ABatchIsBoundedAndTheNextOneGoesOn) {
  primary_limits limits;
  limits.batch_commits = 4;
  store = *primary::make({}, limits);
  for (int i = 0; i < 10; ++i)
    put("a", "x");

  std::vector<std::uint64_t> seen;
  for (cursor at{0}; at < store.barrier(); at = cursor{seen.back()}) {
    const auto next = std::get<batch>(store.follow(at));
    EXPECT_LE(next.commits.size(), 4u);
    for (const auto& commit : next.commits)
      seen.push_back(commit.cursor.value);
  }

  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST_F(PrimaryTest, CommitsAreRefusedWhileTooManyIdsAreKept) {
  primary_limits limits;
  limits.max_ids = 2;
  store = *primary::make({}, limits);
  put("a", "1");
  put("a", "2");

  EXPECT_EQ(std::get<refused>(commit({}, {{"a", "3", false}})).why.code, errc::full);
  EXPECT_EQ(std::get<refused>(store.settle(make_fast_uuid(), now)).why.code, errc::full);
  now = 71min;
  EXPECT_EQ(put("a", "3"), 3u);
}
