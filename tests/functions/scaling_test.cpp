#include "functions/scaling.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::instance_work;
using functions::instances_to_start;
using functions::scaling_view;

namespace {

/// Of one that waits for something else than a processor.
constexpr instance_work waits{milliseconds{1000}, milliseconds{3}, milliseconds{1}};

/// An old queue before four instances on two cores.
scaling_view standing_queue(const instance_work& work, duration typical_run) {
  return {.ready = 4, .queued = 60, .oldest = milliseconds{25}, .work = work, .typical_run = typical_run, .cores = 2};
}

/// Clients that send their next call when they have the answer, so that all instances always have one.
struct closed_loop {
  std::size_t clients = 64;
  std::size_t cores = 2;
  duration computes{};  ///< per call
  duration sleeps{};    ///< per call
  bool kernel_tells = true;
  functions::recent_work work{};
  std::size_t instances = 1;

  /// What instances do in a tenth of a second, then a demand.
  void tick() {
    constexpr milliseconds tick{100};
    const auto alone = static_cast<double>(computes.count()) / static_cast<double>((computes + sleeps).count());
    const auto wanted = alone * static_cast<double>(instances);
    const auto crowd = std::max(1.0, wanted / static_cast<double>(cores));
    for (std::size_t i = 0; i < instances; ++i) {
      const auto stretched = alone * crowd / (alone * crowd + 1 - alone);
      const auto ran = static_cast<double>(duration{tick}.count()) * stretched / crowd;
      instance_work piece{tick, duration{static_cast<std::int64_t>(ran)}, std::nullopt};
      if (kernel_tells)
        piece.starved = duration{static_cast<std::int64_t>(ran * (crowd - 1))};
      work.add(piece);
    }
    instances += instances_to_start({.ready = instances,
                                     .queued = clients - std::min(clients, instances),
                                     .oldest = milliseconds{30},
                                     .work = work.value(),
                                     .typical_run = computes + sleeps,
                                     .cores = cores});
  }
};

std::size_t instances_after(closed_loop scene, int ticks) {
  for (int i = 0; i < ticks; ++i)
    scene.tick();
  return scene.instances;
}

}  // namespace

TEST(ScalingTest, TheFirstCallStartsOneInstanceAndTheNextCallsWaitForIt) {
  EXPECT_EQ(instances_to_start({.ready = 0, .starting = 0, .queued = 1}), 1u);
  EXPECT_EQ(instances_to_start({.ready = 0, .starting = 1, .queued = 50}), 0u);
}

TEST(ScalingTest, AYoungQueueStartsNothing) {
  EXPECT_EQ(instances_to_start({.ready = 1, .queued = 63, .oldest = milliseconds{24}}), 0u);
}

TEST(ScalingTest, AnOldQueueDoublesTheInstancesButNeverBeyondWhatWaits) {
  EXPECT_EQ(instances_to_start({.ready = 4, .queued = 60, .oldest = milliseconds{25}, .work = waits}), 4u);
  EXPECT_EQ(instances_to_start({.ready = 4, .starting = 3, .queued = 60, .oldest = milliseconds{25}, .work = waits}),
            1u);
  EXPECT_EQ(instances_to_start({.ready = 4, .queued = 2, .oldest = milliseconds{25}, .work = waits}), 2u);
  EXPECT_EQ(
      instances_to_start({.ready = 4, .queued = 20, .oldest = milliseconds{25}, .concurrency = 10, .work = waits}), 2u);
}

TEST(ScalingTest, NeverMoreThanTheFunctionsMost) {
  scaling_view view{4, 0, 100, milliseconds{500}, 1, 5, waits};
  EXPECT_EQ(instances_to_start(view), 1u);
  view.starting = 1;
  EXPECT_EQ(instances_to_start(view), 0u);
  view.max_instances = 3;
  view.starting = 0;
  EXPECT_EQ(instances_to_start(view), 0u);
}

TEST(ScalingTest, CallsThatComputeGetInstancesForTheCoresHoweverManyClientsWait) {
  EXPECT_EQ(instances_after({.cores = 2, .computes = milliseconds{20}}, 100), 4u);
  EXPECT_EQ(instances_after({.clients = 1000, .cores = 2, .computes = milliseconds{20}}, 100), 4u);
  EXPECT_EQ(instances_after({.cores = 1, .computes = milliseconds{20}}, 100), 2u);
  EXPECT_LE(instances_after({.cores = 8, .computes = milliseconds{20}}, 100), 16u);
  EXPECT_GE(instances_after({.cores = 8, .computes = milliseconds{20}}, 100), 8u);
}

TEST(ScalingTest, CallsThatWaitGetAnInstanceEachWithinSixSteps) {
  EXPECT_EQ(instances_after({.computes = std::chrono::microseconds{300}, .sleeps = milliseconds{100}}, 6), 64u);
  EXPECT_EQ(instances_after({.cores = 1, .computes = std::chrono::microseconds{300}, .sleeps = milliseconds{100}}, 6),
            64u);
}

TEST(ScalingTest, CallsThatDoBothGetInstancesUntilTheCoresAreUsedUp) {
  const auto found = instances_after({.cores = 2, .computes = milliseconds{10}, .sleeps = milliseconds{40}}, 100);
  EXPECT_GE(found, 10u) << "as many as keep two cores busy";
  EXPECT_LE(found, 21u);
}

TEST(ScalingTest, WhereTheKernelDoesNotTellWhoWaitedThoseThatUseUpTheCoresAreEnough) {
  EXPECT_EQ(instances_after({.cores = 2, .computes = milliseconds{20}, .kernel_tells = false}, 100), 4u);
  const auto both = instances_after(
      {.cores = 2, .computes = milliseconds{10}, .sleeps = milliseconds{40}, .kernel_tells = false}, 100);
  EXPECT_GE(both, 8u);
  EXPECT_LE(both, 16u);
  EXPECT_EQ(instances_after(
                {.computes = std::chrono::microseconds{300}, .sleeps = milliseconds{100}, .kernel_tells = false}, 6),
            64u);
}

TEST(ScalingTest, BeforeInstancesWereLookedAtThereIsOneForEachCore) {
  auto view = standing_queue({}, {});
  EXPECT_EQ(instances_to_start(view), 0u);
  view.cores = 6;
  EXPECT_EQ(instances_to_start(view), 2u);
}

TEST(ScalingTest, WhereProcessorsAreUsedUpOnlyCallsThatWaitGetMore) {
  const instance_work waits_starved{milliseconds{1000}, milliseconds{50}, milliseconds{100}};
  const instance_work computes_starved{milliseconds{1000}, milliseconds{500}, milliseconds{500}};

  EXPECT_EQ(instances_to_start(standing_queue(waits_starved, milliseconds{2})), 4u);
  auto view = standing_queue(computes_starved, milliseconds{2});
  EXPECT_EQ(instances_to_start(view), 0u);
  view.cores = 6;
  EXPECT_EQ(instances_to_start(view), 2u) << "whoever uses up the cores, each may have one of this function";
}

TEST(ScalingTest, WhereProcessorsAreUsedUpThoseThatWaitForHalfOfTheirTimeStillGetACoresWorth) {
  const instance_work both{milliseconds{1000}, milliseconds{200}, milliseconds{300}};
  auto view = standing_queue(both, milliseconds{30});
  view.ready = view.cores = 1;
  EXPECT_EQ(functions::useful_instances(view), 4u) << "seven tenths of the time left, of which it runs two";
  view.work.ran = milliseconds{170};
  EXPECT_EQ(functions::useful_instances(view), 9u) << "one that mostly waits";
}

TEST(ScalingTest, AFullLoopDoesNotFeedMoreInstancesWithShortCalls) {
  // An instance that mostly waits: for its loop, which is late with the next call.
  const instance_work idle{milliseconds{1000}, milliseconds{50}, milliseconds{5}};
  auto view = standing_queue(idle, std::chrono::microseconds{300});
  EXPECT_EQ(instances_to_start(view), 4u);
  view.loop_share = 0.95;
  EXPECT_EQ(instances_to_start(view), 0u);
  view.ready = 1;
  EXPECT_EQ(instances_to_start(view), 1u) << "one for each core in any case";
}

TEST(ScalingTest, ALoopThatOthersFillFeedsMoreInstances) {
  const instance_work idle{milliseconds{1000}, milliseconds{50}, milliseconds{5}};
  auto view = standing_queue(idle, milliseconds{5});
  view.loop_share = 0.95;
  EXPECT_EQ(instances_to_start(view), 4u) << "800 calls a second do not fill a loop";
  view.ready = 30;
  EXPECT_EQ(instances_to_start(view), 0u) << "6,000 do";
  view.ready = 3;
  view.concurrency = 10;
  EXPECT_EQ(instances_to_start(view), 0u);
}

TEST(ScalingTest, MoreAreOfUseAsLongAsNoneRunsOrThoseThatDoLeaveSomething) {
  const instance_work computes{milliseconds{1000}, milliseconds{1000}, {}};
  EXPECT_FALSE(functions::more_are_of_use(standing_queue(computes, milliseconds{20})));
  EXPECT_TRUE(functions::more_are_of_use(standing_queue(waits, milliseconds{20})));
  auto view = standing_queue(computes, milliseconds{20});
  view.ready = 1;
  view.starting = 3;
  EXPECT_FALSE(functions::more_are_of_use(view));
  view.ready = 0;
  EXPECT_TRUE(functions::more_are_of_use(view));
}

TEST(RecentWorkTest, WhatAnInstanceDidLongAgoIsForgotten) {
  functions::recent_work work;
  for (int i = 0; i < 100; ++i)
    work.add({milliseconds{50}, milliseconds{50}, {}});
  for (int i = 0; i < 60; ++i)
    work.add({milliseconds{50}, milliseconds{1}, {}});

  const auto found = work.value();

  EXPECT_NEAR(static_cast<double>(found.ran.count()) / static_cast<double>(found.busy.count()), 0.02, 0.005);
}

TEST(RecentWorkTest, AnEndedProcessSaysNothing) {
  functions::recent_work work;
  work.add({milliseconds{50}, milliseconds{20}, {}});
  work.add({milliseconds{50}, milliseconds{-20}, {}});
  work.add({{}, milliseconds{20}, {}});

  EXPECT_EQ(work.value().ran, milliseconds{20});
  EXPECT_EQ(work.value().busy, milliseconds{50});
}

TEST(RecentWorkTest, WhatTheKernelDoesNotTellIsNotZero) {
  functions::recent_work work;
  EXPECT_EQ(work.value().starved, duration{});
  work.add({milliseconds{50}, milliseconds{20}, std::nullopt});
  EXPECT_EQ(work.value().starved, std::nullopt);
  auto sum = work.value();
  sum += {milliseconds{50}, milliseconds{20}, milliseconds{5}};
  EXPECT_EQ(sum.starved, std::nullopt);

  work.add({milliseconds{50}, milliseconds{20}, milliseconds{5}});
  EXPECT_EQ(work.value().starved, milliseconds{5});
}
