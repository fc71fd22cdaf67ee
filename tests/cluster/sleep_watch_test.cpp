#include "cluster/sleep_watch.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

TEST(SleepWatchTest, ATickMoreThanASecondTooLateIsASleep) {
  sleep_watch watch{5s};
  watch.ticked(5'100ms);
  EXPECT_FALSE(watch.slept(6'200ms));
  EXPECT_TRUE(watch.slept(6'201ms));
}

TEST(SleepWatchTest, ASleepIsToldOnce) {
  sleep_watch watch{5s};
  EXPECT_TRUE(watch.slept(10s));
  EXPECT_FALSE(watch.slept(10s));
  watch.ticked(10s);
  EXPECT_FALSE(watch.slept(11s));
  EXPECT_TRUE(watch.slept(12s));
}
