#include "functions/prefetch.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::prefetch_depth;
using std::chrono::microseconds;

namespace {

prefetch_depth after(int calls, duration each) {
  prefetch_depth depth;
  for (int i = 0; i < calls; ++i)
    depth.measured(each);
  return depth;
}

}  // namespace

TEST(PrefetchDepthTest, ANewWorkerGetsNothingAhead) {
  EXPECT_EQ(prefetch_depth{}.depth(), 0u);
  EXPECT_EQ(after(100, microseconds{10}).depth(), 0u);
}

TEST(PrefetchDepthTest, AFastWorkerGetsAMillisecondOfWorkAndNeverMoreThanTheMost) {
  EXPECT_EQ(after(1000, microseconds{10}).depth(), prefetch_depth::most);
  EXPECT_EQ(after(1000, microseconds{250}).depth(), 4u);
  EXPECT_EQ(after(1000, microseconds{900}).depth(), 1u);
}

TEST(PrefetchDepthTest, ASlowWorkerGetsNothingAhead) {
  EXPECT_EQ(after(1000, milliseconds{1}).depth(), 0u);
  EXPECT_EQ(after(1000, milliseconds{50}).depth(), 0u);
}

TEST(PrefetchDepthTest, OneSlowCallStopsItUntilFastOnesOutweighIt) {
  auto depth = after(1000, microseconds{10});

  depth.measured(milliseconds{20});

  EXPECT_EQ(depth.depth(), 0u);
  int calls = 0;
  while (depth.depth() == 0 && calls < 1000) {
    depth.measured(microseconds{10});
    ++calls;
  }
  EXPECT_GT(calls, 10);
  EXPECT_LT(calls, 100);
}

TEST(PrefetchDepthTest, OneSlowCallInFiftyKeepsItOff) {
  prefetch_depth depth;
  int on = 0;
  for (int i = 0; i < 10'000; ++i) {
    depth.measured(i % 50 == 0 ? duration{milliseconds{2}} : duration{microseconds{10}});
    on += depth.depth() > 0 ? 1 : 0;
  }
  EXPECT_EQ(on, 0);
}
