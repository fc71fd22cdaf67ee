#include "actors/event_loop.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <vector>

#include "tests/support/on_loop.hpp"

using namespace troupe;
using actors::event_loop;

namespace {

constexpr seconds patience{20};

class EventLoopTest : public ::testing::Test {
protected:
  EventLoopTest() { loop.start(); }
  ~EventLoopTest() override { loop.stop(); }

  /// Runs `job` on the loop and waits for its end.
  void on_loop(std::function<void()> job) { tests::run_on_loop(loop, job); }

  event_loop loop{0, "test-loop"};
};

struct recorder final : actors::timer_listener, actors::tick_listener {
  void on_timer(time_point now) override {
    fired_at = now;
    fired.set_value();
  }
  void on_tick(time_point) override {
    if (++ticks == 2)
      ticked.set_value();
  }
  time_point fired_at{};
  int ticks = 0;
  std::promise<void> fired;
  std::promise<void> ticked;
};

struct pipe_reader final : actors::watcher {
  void on_ready(std::uint32_t) override {
    char bytes[16];
    const auto got = ::read(descriptor, bytes, sizeof bytes);
    text.append(bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    done.set_value();
  }
  int descriptor = -1;
  std::string text;
  std::promise<void> done;
};

}  // namespace

TEST_F(EventLoopTest, RunsPostedJobsInTheirOrderOnItsOwnThread) {
  std::vector<int> order;
  event_loop* seen = nullptr;
  for (int i = 0; i < 100; ++i)
    loop.post([&order, i] { order.push_back(i); });

  on_loop([&] { seen = event_loop::current(); });

  EXPECT_EQ(seen, &loop);
  EXPECT_EQ(event_loop::current(), nullptr);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(EventLoopTest, ATimerFiresOnceAndNeverEarly) {
  recorder listener;
  time_point wanted{};
  on_loop([&] {
    wanted = clock::now() + milliseconds{30};
    loop.arm(listener, wanted + seconds{100});
    loop.arm(listener, wanted);  // replaces the first
  });

  ASSERT_EQ(listener.fired.get_future().wait_for(patience), std::future_status::ready);

  on_loop([&] {
    EXPECT_GE(listener.fired_at, wanted);
    EXPECT_FALSE(listener.armed);
  });
}

TEST_F(EventLoopTest, ATimerIsNotHeldUpByALaterOneThatTheLoopWaitsForAlready) {
  recorder late;
  recorder early;
  on_loop([&] { loop.arm(late, clock::now() + seconds{100}); });

  on_loop([&] { loop.arm(early, clock::now() + milliseconds{20}); });

  EXPECT_EQ(early.fired.get_future().wait_for(patience), std::future_status::ready);
  on_loop([&] { loop.disarm(late); });
}

TEST_F(EventLoopTest, ATimerOutlivesTheEarlierOneThatWasDisarmed) {
  recorder early;
  recorder late;
  const auto begin = clock::now();
  on_loop([&] {
    loop.arm(early, begin + milliseconds{20});
    loop.arm(late, begin + milliseconds{60});
  });

  on_loop([&] { loop.disarm(early); });

  EXPECT_EQ(late.fired.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_GE(late.fired_at, begin + milliseconds{60});
}

TEST_F(EventLoopTest, TicksGoOnUntilTheListenerLeaves) {
  recorder listener;
  on_loop([&] { loop.add_tick(listener); });
  ASSERT_EQ(listener.ticked.get_future().wait_for(patience), std::future_status::ready);
  on_loop([&] { loop.remove_tick(listener); });
}

TEST_F(EventLoopTest, ReportsReadinessOfAWatchedDescriptorUntilItIsUnwatched) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  pipe_reader reader;
  reader.descriptor = ends[0];
  on_loop([&] { ASSERT_TRUE(loop.watch(ends[0], EPOLLIN, reader)); });

  ASSERT_EQ(::write(ends[1], "hello", 5), 5);
  ASSERT_EQ(reader.done.get_future().wait_for(patience), std::future_status::ready);

  on_loop([&] { loop.unwatch(ends[0], reader); });
  EXPECT_EQ(reader.text, "hello");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(EventLoopTest, TheDateHasTheFormOfHttp) {
  std::string date;
  on_loop([&] { date = loop.date(); });
  ASSERT_EQ(date.size(), 29u);
  EXPECT_EQ(date.substr(25), " GMT");
  EXPECT_EQ(date[3], ',');
}

namespace {

/// Asks for another batch end each time, until it is told to stop.
struct insatiable final : actors::batch_listener {
  explicit insatiable(event_loop& l) : loop{l} {}
  void on_batch_end() override {
    ++rounds;
    if (!enough)
      loop.at_batch_end(*this);
  }
  event_loop& loop;
  std::atomic<int> rounds{0};
  bool enough = false;
};

}  // namespace

TEST_F(EventLoopTest, WhoAlwaysAsksForAnotherBatchEndKeepsNobodyWaiting) {
  insatiable listener{loop};
  on_loop([&] { loop.at_batch_end(listener); });
  on_loop([] {});  // still served
  on_loop([&] { listener.enough = true; });
  on_loop([] {});
  EXPECT_GE(listener.rounds.load(), 1);
}

TEST_F(EventLoopTest, HowLongALoopWasHeldShowsInTheLatenessOfItsTick) {
  recorder before, after;
  on_loop([&] { loop.add_tick(before); });
  ASSERT_EQ(before.ticked.get_future().wait_for(patience), std::future_status::ready);

  on_loop([&] {
    loop.remove_tick(before);
    loop.add_tick(after);
    for (const auto end = clock::now() + milliseconds{400}; clock::now() < end;) {
    }
  });
  ASSERT_EQ(after.ticked.get_future().wait_for(patience), std::future_status::ready);
  on_loop([&] { loop.remove_tick(after); });

  duration_histogram::totals late;
  loop.lateness().add_to(late);
  EXPECT_GE(late.count(), 3u);
  EXPECT_GE(late.sum_s, 0.3);  // the tick was due within a tenth of a second
}
