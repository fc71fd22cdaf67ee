// A primary that goes on where another one stopped, and refuses what no primary left behind.
#include <gtest/gtest.h>

#include <map>

#include "cluster/primary.hpp"
#include "config/ids.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// What a disk would hold: rows and records as `staged` says.
struct kept_state {
  std::map<std::string, record> records;
  std::map<std::uint64_t, history_row> rows;
  std::uint64_t bodies_from = 1;

  void keep(primary& store) {
    const auto changes = store.staged();
    for (const auto& row : changes.rows)
      rows[row.head.at.value] = row;
    for (const auto* put : changes.puts)
      records[put->key] = *put;
    for (const auto key : changes.erased)
      records.erase(std::string{key});
    EXPECT_EQ(changes.bodies_were_from.value, bodies_from);
    bodies_from = changes.bodies_from.value;
    rows.erase(rows.begin(), rows.lower_bound(changes.heads_from.value));
    store.made_durable();
  }

  primary_state state() const {
    primary_state made;
    for (const auto& [key, each] : records)
      made.records.push_back(each);
    for (const auto& [at, row] : rows) {
      made.heads.push_back(row.head);
      if (at >= bodies_from)
        made.bodies.emplace_back(row.head.at, row.body);
    }
    return made;
  }
};

struct PrimaryStateTest : testing::Test {
  primary_limits limits;
  kept_state disk;
  std::vector<commit_id> ids;

  /// A history of `commits` rows, a millisecond and a group each; every fifth is a void.
  primary written(int commits) {
    auto store = *primary::make({}, limits);
    for (int i = 0; i < commits; ++i) {
      ids.push_back(make_fast_uuid());
      if (i % 5 == 4)
        store.settle(ids.back(), milliseconds{i});
      else
        store.decide({{}, {{"key" + std::to_string(i % 7), std::to_string(i), i % 11 == 10}}, ids.back()},
                     milliseconds{i});
      disk.keep(store);
    }
    return store;
  }

  error why_not(const primary_state& state) {
    const auto made = primary::make(state, limits);
    EXPECT_FALSE(made.has_value());
    return made ? error{} : made.error();
  }
};

}  // namespace

TEST_F(PrimaryStateTest, GoesOnWhereItStopped) {
  auto before = written(40);

  auto after = *primary::make(disk.state(), limits);

  EXPECT_EQ(after.barrier(), before.barrier());
  EXPECT_EQ(after.hash(), before.hash());
  EXPECT_EQ(after.last_time(), before.last_time());
  EXPECT_EQ(after.load().records.size(), before.load().records.size());
  EXPECT_EQ(std::get<batch>(after.follow({0})).commits.size(), 40u);
  for (const auto& id : ids)
    EXPECT_EQ(after.known(id)->index(), before.known(id)->index());
  EXPECT_EQ(std::get<committed>(after.decide({{}, {{"x", "1", false}}, make_fast_uuid()}, 41ms)).cursor, cursor{41});
}

TEST_F(PrimaryStateTest, IdsOutliveTheLogAndHeadsOutliveBoth) {
  limits.log_commits = 5;
  limits.history_rows = 10;
  limits.id_lifetime = 20ms;
  written(40);

  const auto state = disk.state();
  auto after = *primary::make(state, limits);

  EXPECT_EQ(state.bodies.size(), 5u);
  EXPECT_EQ(state.heads.size(), 21u) << "as long as an id lives, its row stays";
  EXPECT_EQ(after.known(ids[18]), std::nullopt);
  EXPECT_NE(after.known(ids[19]), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<gap>(after.follow({34})));
  EXPECT_EQ(std::get<batch>(after.follow({35})).commits.size(), 5u);
}

TEST_F(PrimaryStateTest, AnIdUsedAnewAfterItExpiredIsNoFault) {
  limits.id_lifetime = 10ms;
  auto store = *primary::make({}, limits);
  const auto id = make_fast_uuid();
  for (const auto now : {0ms, 11ms, 22ms}) {
    store.decide({{}, {{"a", std::to_string(now.count()), false}}, id}, now);
    disk.keep(store);
  }

  auto after = *primary::make(disk.state(), limits);

  EXPECT_EQ(std::get<committed>(after.decide({{}, {}, id}, 30ms)).cursor, cursor{3});
}

TEST_F(PrimaryStateTest, AChangedRowBreaksTheChain) {
  written(12);
  for (std::size_t i = 0; i < 12; ++i) {
    auto state = disk.state();
    state.heads[i].id.bytes[3] ^= 1;
    EXPECT_EQ(why_not(state).code, errc::corrupt);

    state = disk.state();
    state.heads[i].hash.bytes[31] ^= 1;
    EXPECT_EQ(why_not(state).code, errc::corrupt);

    state = disk.state();
    state.bodies[i].second.back() ^= 1;
    const auto why = why_not(state);
    EXPECT_EQ(why.code, errc::corrupt);
    EXPECT_NE(why.what.find("commit " + std::to_string(i + 1) + " "), std::string::npos) << why.what;
  }
}

TEST_F(PrimaryStateTest, AMissingRowIsFound) {
  written(12);
  for (std::size_t i = 0; i < 11; ++i) {
    auto state = disk.state();
    state.heads.erase(state.heads.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(why_not(state).code, errc::corrupt) << i;
    state = disk.state();
    state.bodies.erase(state.bodies.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    EXPECT_EQ(why_not(state).code, errc::corrupt) << i;
  }
}

TEST_F(PrimaryStateTest, RecordsNewerThanTheHistoryAreFound) {
  written(12);
  auto state = disk.state();
  state.heads.pop_back();
  state.bodies.pop_back();

  const auto why = why_not(state);

  EXPECT_EQ(why.code, errc::corrupt);
  EXPECT_EQ(why.what, "record 'key4' is of commit 12, the history ends at 11");
}
