#include "functions/scaling.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::instances_to_start;

TEST(ScalingTest, TheFirstCallStartsOneInstanceAndTheNextCallsWaitForIt) {
  EXPECT_EQ(instances_to_start({.ready = 0, .starting = 0, .queued = 1}), 1u);
  EXPECT_EQ(instances_to_start({.ready = 0, .starting = 1, .queued = 50}), 0u);
}

TEST(ScalingTest, AYoungQueueStartsNothing) {
  EXPECT_EQ(instances_to_start({.ready = 1, .queued = 63, .oldest = milliseconds{24}}), 0u);
}

TEST(ScalingTest, AnOldQueueDoublesTheInstancesButNeverBeyondWhatWaits) {
  EXPECT_EQ(instances_to_start({.ready = 4, .queued = 60, .oldest = milliseconds{25}}), 4u);
  EXPECT_EQ(instances_to_start({.ready = 4, .starting = 3, .queued = 60, .oldest = milliseconds{25}}), 1u);
  EXPECT_EQ(instances_to_start({.ready = 4, .queued = 2, .oldest = milliseconds{25}}), 2u);
  EXPECT_EQ(instances_to_start({.ready = 4, .queued = 20, .oldest = milliseconds{25}, .concurrency = 10}), 2u);
}

TEST(ScalingTest, NeverMoreThanTheFunctionsMost) {
  functions::scaling_view view{4, 0, 100, milliseconds{500}, 1, 5};
  EXPECT_EQ(instances_to_start(view), 1u);
  view.starting = 1;
  EXPECT_EQ(instances_to_start(view), 0u);
  view.max_instances = 3;
  view.starting = 0;
  EXPECT_EQ(instances_to_start(view), 0u);
}
