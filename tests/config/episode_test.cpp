#include "config/episode.hpp"

#include <gtest/gtest.h>

using namespace troupe;

TEST(EpisodeTest, BeginsAtTheFirstTimeAndAgainAfterQuietOnly) {
  episode trouble{milliseconds{1000}};
  time_point now{};

  EXPECT_TRUE(trouble.begins(now));
  EXPECT_FALSE(trouble.begins(now));
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(trouble.begins(now += milliseconds{999})) << "it goes on";
  EXPECT_TRUE(trouble.begins(now += milliseconds{1000}));
}

TEST(EpisodeTest, AClockThatWasReadEarlierBeginsNone) {
  episode trouble{milliseconds{1000}};
  const time_point now{seconds{10}};
  EXPECT_TRUE(trouble.begins(now));
  EXPECT_FALSE(trouble.begins(now - milliseconds{500}));
}
