#include "actors/level_reads.hpp"

#include <gtest/gtest.h>

#include <future>
#include <utility>
#include <vector>

#include "tests/support/on_loop.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;

namespace {

constexpr seconds patience{20};

/// Answers when the test says so. On the loop only.
class held_store final : public cluster::catalog_store, public cluster::catalog_source {
public:
  template <class T>
  using callback = cluster::catalog_store::callback<T>;

  void open(time_point, callback<expected<cluster::store_identity>> done) override { done(cluster::store_identity{}); }
  void load(time_point, callback<expected<cluster::loaded>> done) override { done(cluster::loaded{{}, {3}}); }
  void load_history(time_point, callback<expected<cluster::loaded_history>> done) override {
    done(cluster::loaded_history{{{}, {3}}, {}});
  }
  void follow(cluster::cursor, time_point, callback<cluster::follow_result> done) override {
    follower = std::move(done);
  }
  void follow_history(const cluster::generation&, cluster::cursor from, time_point deadline,
                      callback<cluster::follow_result> done) override {
    follow(from, deadline, std::move(done));
  }
  void commit(std::vector<cluster::guard>, std::vector<cluster::write>, cluster::commit_id, time_point,
              callback<cluster::commit_result> done) override {
    done(cluster::voided{});
  }
  void outcome(cluster::commit_id, time_point, callback<expected<cluster::outcome_of_commit>> done) override {
    done(cluster::outcome_of_commit{});
  }
  void barrier(time_point, callback<expected<cluster::cursor>> done) override { barriers.push_back(std::move(done)); }
  void close() override {}

  callback<cluster::follow_result> follower;
  std::vector<callback<expected<cluster::cursor>>> barriers;
};

class LevelReadsTest : public ::testing::Test {
protected:
  using age = std::optional<seconds>;

  LevelReadsTest() {
    loop.start();
    std::promise<void> loaded;
    follower.start([&](const expected<void>&) { loaded.set_value(); });
    EXPECT_EQ(loaded.get_future().wait_for(patience), std::future_status::ready);
    config.store = &store;
    config.follower = &follower;
    config.own_tip = [this] { return tip; };
  }
  ~LevelReadsTest() override {
    on_loop([this] {
      if (reads)
        reads->stop();
      follower.stop();
    });
    loop.stop();
  }

  void on_loop(std::function<void()> job) { tests::run_on_loop(loop, job); }
  void open() {
    on_loop([this] { reads = std::make_unique<level_reads>(loop, config); });
  }
  /// Begins a read; the future has what it was told.
  std::future<age> read() {
    auto told = std::make_shared<std::promise<age>>();
    on_loop([this, told] { reads->read([told](age stale) { told->set_value(stale); }); });
    return told->get_future();
  }
  void answer_barrier(expected<cluster::cursor> at) {
    on_loop([this, at] {
      ASSERT_EQ(store.barriers.size(), 1u);
      std::exchange(store.barriers, {}).front()(at);
    });
    on_loop([] {});  // what it posted has run
  }
  void commit(std::uint64_t at) {
    on_loop([this, at] { std::exchange(store.follower, nullptr)(cluster::batch{{{{at}, {}, {}}}}); });
    on_loop([] {});
  }
  static bool is_over(const std::future<age>& told) { return told.wait_for(0s) == std::future_status::ready; }
  static age result_of(std::future<age>& told) {
    EXPECT_EQ(told.wait_for(patience), std::future_status::ready);
    return told.get();
  }

  event_loop loop{0, "test"};
  held_store store;
  catalog_follower follower{loop, store, [](const cluster::catalog_snapshot_ptr&) {}};
  std::optional<cluster::cursor> tip;
  level_reads_config config;
  std::unique_ptr<level_reads> reads;
};

TEST_F(LevelReadsTest, TheAuthorityAsksNobodyAndWaitsForItsOwnCommitsOnly) {
  tip = cluster::cursor{3};
  config.patience = patience;
  open();

  auto level = read();
  EXPECT_TRUE(is_over(level));
  EXPECT_EQ(result_of(level), age{});

  tip = cluster::cursor{4};
  auto late = read();
  EXPECT_FALSE(is_over(late));
  commit(4);
  EXPECT_EQ(result_of(late), age{});
  EXPECT_TRUE(store.barriers.empty());
}

TEST_F(LevelReadsTest, ACopyWaitsUntilItIsWhereTheBarrierWas) {
  config.patience = patience;
  open();

  auto told = read();
  answer_barrier(cluster::cursor{5});
  EXPECT_FALSE(is_over(told));
  commit(4);
  EXPECT_FALSE(is_over(told));
  commit(5);

  EXPECT_EQ(result_of(told), age{});
}

TEST_F(LevelReadsTest, WithoutAnAnswerTheAgeIsTold) {
  config.patience = 20ms;
  config.started_at = clock::now() - 100s;
  open();

  auto told = read();

  const auto stale = result_of(told);
  ASSERT_TRUE(stale);
  EXPECT_GE(*stale, 100s);
  answer_barrier(cluster::cursor{3});  // nobody waits for it any more
}

TEST_F(LevelReadsTest, ACopyThatStaysBehindIsNotWaitedForEither) {
  config.patience = 20ms;
  open();

  auto told = read();
  answer_barrier(cluster::cursor{5});

  EXPECT_TRUE(result_of(told));
  commit(5);
}

TEST_F(LevelReadsTest, ARefusalEndsTheReadAtOnce) {
  config.patience = patience;
  open();

  auto told = read();
  answer_barrier(fail(errc::unavailable, "the primary is out of reach"));

  EXPECT_TRUE(is_over(told));
  EXPECT_TRUE(result_of(told));
}

TEST_F(LevelReadsTest, TheAgeCountsFromTheLastContactThatFoundTheCopyLevel) {
  config.started_at = clock::now() - 100s;
  open();
  const auto now = clock::now();
  on_loop([&] {
    reads->heard({3}, now - 50s);
    reads->heard({4}, now - 10s);  // it has more than this copy
  });

  auto told = read();
  answer_barrier(fail(errc::unavailable, "the primary is out of reach"));

  const auto stale = result_of(told);
  ASSERT_TRUE(stale);
  EXPECT_GE(*stale, 50s);
  EXPECT_LT(*stale, 100s);
}

}  // namespace
