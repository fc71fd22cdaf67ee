#include "actors/work_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::actors;

TEST(WorkThreadTest, RunsJobsInTheOrderInWhichTheyCame) {
  std::vector<int> ran;
  {
    work_thread thread{"test", 100};
    for (int i = 0; i < 100; ++i)
      EXPECT_TRUE(thread.post([&ran, i] { ran.push_back(i); }));
  }

  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(WorkThreadTest, RefusesWhatExceedsTheQueue) {
  std::latch busy{1};
  std::latch free{1};
  int ran = 0;
  work_thread thread{"test", 2};
  ASSERT_TRUE(thread.post([&] {
    busy.count_down();
    free.wait();
  }));
  busy.wait();

  EXPECT_TRUE(thread.post([&] { ++ran; }));
  EXPECT_TRUE(thread.post([&] { ++ran; }));
  EXPECT_FALSE(thread.post([&] { ++ran; }));
  EXPECT_EQ(thread.waiting(), 2u);

  free.count_down();
  thread.stop();
  EXPECT_EQ(ran, 2);
}

TEST(WorkThreadTest, StopRunsWhatWasAcceptedAndRefusesTheRest) {
  std::latch busy{1};
  std::latch free{1};
  int ran = 0;
  work_thread thread{"test", 100'000'000};
  ASSERT_TRUE(thread.post([&] {
    busy.count_down();
    free.wait();
    EXPECT_FALSE(thread.post([&] { ++ran; })) << "a job of its own cannot prolong the end";
  }));
  busy.wait();

  std::thread stopper{[&] { thread.stop(); }};
  int accepted = 0;
  while (thread.post([&] { ++ran; })) {  // until the stop has begun
    ++accepted;
    std::this_thread::yield();
  }
  free.count_down();
  stopper.join();
  thread.stop();

  EXPECT_EQ(ran, accepted);
  EXPECT_EQ(thread.waiting(), 0u);
}

TEST(WorkThreadTest, ManyThreadsMayPost) {
  std::atomic<int> ran = 0;
  std::atomic<int> accepted = 0;
  {
    work_thread thread{"a name longer than the kernel takes", 8};
    std::vector<std::jthread> posters;
    for (int p = 0; p < 4; ++p)
      posters.emplace_back([&] {
        for (int i = 0; i < 1000; ++i)
          if (thread.post([&] { ++ran; }))
            ++accepted;
      });
    posters.clear();
  }

  EXPECT_EQ(ran, accepted);
}

TEST(WorkThreadTest, TheAlarmRunsOnceAtItsTime) {
  std::promise<time_point> rang;
  work_thread thread{"test", 1};
  const auto due = clock::now() + milliseconds{2};

  thread.set_alarm(due, [&] { rang.set_value(clock::now()); });

  EXPECT_GE(rang.get_future().get(), due);
}

TEST(WorkThreadTest, ALaterAlarmReplacesTheEarlierOne) {
  std::promise<int> rang;
  work_thread thread{"test", 1};

  thread.set_alarm(clock::now() + std::chrono::hours{1}, [&] { rang.set_value(1); });
  thread.set_alarm(clock::now(), [&] { rang.set_value(2); });

  EXPECT_EQ(rang.get_future().get(), 2);
}

TEST(WorkThreadTest, AnAlarmWithoutATimeOrAtAStopNeverRuns) {
  int rang = 0;
  std::promise<void> ran;
  work_thread thread{"test", 1};
  thread.set_alarm(time_point::max(), [&] { ++rang; });
  ASSERT_TRUE(thread.post([&] { ran.set_value(); }));
  ran.get_future().wait();
  thread.set_alarm(clock::now() + std::chrono::hours{1}, [&] { ++rang; });

  thread.stop();

  EXPECT_EQ(rang, 0);
}
