// A history that is fed with another's rows.
#include "cluster/history.hpp"

#include <gtest/gtest.h>

#include "cluster/primary.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct HistoryTest : testing::Test {
  primary source = *primary::make({});
  history copy = *history::make({});

  void commit(const std::string& key, const std::string& value, commit_id id = make_fast_uuid()) {
    source.decide({{}, {{key, value, value.empty()}}, id}, milliseconds{0});
    source.made_durable();
  }
  std::vector<history_row> rows(std::uint64_t from) { return *source.rows_after({from}, 1'000'000); }
};

}  // namespace

TEST_F(HistoryTest, ACopyFedWithTheRowsIsEqualAndKnowsTheIds) {
  const auto id = make_fast_uuid();
  commit("a", "1", id);
  commit("b", "1");
  commit("a", "");

  for (auto& row : rows(0))
    ASSERT_TRUE(copy.stage(std::move(row)));
  EXPECT_EQ(copy.barrier(), cursor{0});
  copy.made_durable();

  EXPECT_EQ(copy.hash(), source.hash());
  EXPECT_EQ(copy.records_digest(), source.records_digest());
  EXPECT_TRUE(copy.known(id));
  EXPECT_EQ(copy.hash_at({2}), source.hash_at({2}));
}

TEST_F(HistoryTest, HolesOtherHistoriesAndChangedBodiesAreRefused) {
  commit("a", "1");
  commit("b", "1");
  auto all = rows(0);

  EXPECT_EQ(copy.stage(all[1]).error().code, errc::conflict);
  auto other = all[0];
  other.head.time += 1ms;
  EXPECT_EQ(copy.stage(other).error().code, errc::conflict);
  auto changed = all[0];
  changed.body.back() ^= 1;
  EXPECT_EQ(copy.stage(changed).error().code, errc::corrupt);
  EXPECT_FALSE(copy.has_staged());
  EXPECT_TRUE(copy.stage(all[0]));
}

TEST_F(HistoryTest, AWholeStoreGoesOnWhereItWasTakenFrom) {
  for (int i = 0; i < 5; ++i)
    commit("k" + std::to_string(i % 3), std::to_string(i));
  const auto id = make_fast_uuid();
  commit("a", "1", id);

  auto taken = primary::make(source.whole());
  ASSERT_TRUE(taken) << taken.error().what;

  EXPECT_EQ(taken->hash(), source.hash());
  EXPECT_EQ(taken->records_digest(), source.records_digest());
  EXPECT_EQ(std::get<committed>(taken->decide({{}, {}, id}, milliseconds{0})).cursor, cursor{6});
  commit("b", "2");
  ASSERT_TRUE(taken->stage(rows(6)[0]));
}

TEST_F(HistoryTest, RowsAreGivenByBytesButOneAtLeastAndNoneBeforeTheLog) {
  const std::string big(1'000, 'x');
  for (int i = 0; i < 4; ++i)
    commit("k", big);

  EXPECT_EQ(source.rows_after({0}, 1)->size(), 1u);
  EXPECT_EQ(source.rows_after({1}, 2'500)->size(), 2u);
  EXPECT_TRUE(source.rows_after({4}, 1'000)->empty());
  EXPECT_FALSE(source.rows_after({5}, 1'000));
}

TEST_F(HistoryTest, HashesOutliveTheBodies) {
  primary_limits limits;
  limits.log_commits = 2;
  source = *primary::make({}, limits);
  for (int i = 0; i < 6; ++i)
    commit("k", std::to_string(i));

  EXPECT_FALSE(source.rows_after({1}, 1'000));
  EXPECT_TRUE(source.hash_at({1}));
  EXPECT_EQ(source.hash_at({0}), digest{});
  EXPECT_FALSE(source.hash_at({7}));
}
