#include "functions/call_queue.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using functions::call_queue;
using functions::queue_limits;
using functions::queue_patience;
using functions::queue_view;

namespace {

constexpr duration median{milliseconds{40}};

struct waiting {
  functions::invocation_ptr call;
  time_point since;
  int number;
};

class CallQueueTest : public ::testing::Test {
protected:
  /// A call that has come `before` ago to this node or another one, and now begins to wait.
  void push(int number, duration before = {}) {
    auto call = std::make_shared<functions::invocation>();
    call->arrived_at = now - before;
    queue.push({call, now, number});
  }
  /// Somebody waits for so long that the queue stands.
  void let_stand() {
    push(0);
    now += queue_patience::standing_after;
  }
  int next() { return queue.next(now, limits, view).number; }
  std::vector<int> refused() {
    std::vector<int> numbers;
    while (const auto late = queue.next_stale(now, limits, view))
      numbers.push_back(late->number);
    return numbers;
  }

  time_point now{seconds{100}};
  queue_limits limits;
  queue_view view{true, false, median};
  call_queue<waiting> queue;
};

}  // namespace

TEST_F(CallQueueTest, ABurstIsServedInOrderOfArrivalAndMayWaitLong) {
  for (const int number : {1, 2, 3})
    push(number);
  now += queue_patience::standing_after - milliseconds{1};

  EXPECT_EQ(refused(), std::vector<int>{});
  EXPECT_EQ(next(), 1);
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(next(), 3);
  EXPECT_TRUE(queue.empty());
}

TEST_F(CallQueueTest, WhileItStandsCallsWaitNoLongerThanTheyRun) {
  let_stand();
  push(1);
  now += median;
  push(2);

  EXPECT_EQ(refused(), std::vector<int>{0});

  now += duration{1};
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, WhileItStandsTheNewestIsServedFirst) {
  let_stand();
  push(1);
  push(2);

  EXPECT_EQ(next(), 2);
  EXPECT_EQ(next(), 1);
}

TEST_F(CallQueueTest, AVeryFastFunctionLeavesItsCallsFiveMilliseconds) {
  view.median_run = std::chrono::microseconds{50};
  let_stand();
  push(1);

  now += queue_patience::shortest;
  EXPECT_EQ(refused(), std::vector<int>{0});
  now += duration{1};
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, AFunctionThatRunsForLongKeepsTheHardBound) {
  view.median_run = seconds{20};
  let_stand();

  now += limits.max_age - queue_patience::standing_after;
  EXPECT_EQ(refused(), std::vector<int>{});
  now += duration{1};
  EXPECT_EQ(refused(), std::vector<int>{0});
}

TEST_F(CallQueueTest, WithoutARunTimeTheHardBoundHolds) {
  view.median_run = {};
  let_stand();
  now += seconds{1} - queue_patience::standing_after;
  EXPECT_EQ(refused(), std::vector<int>{});
}

TEST_F(CallQueueTest, WithoutSheddingOrderAndHardBoundStay) {
  limits.shedding = functions::queue_shedding::off;
  let_stand();
  push(1);
  now += limits.max_age - queue_patience::standing_after;

  EXPECT_EQ(refused(), std::vector<int>{});
  EXPECT_EQ(next(), 0);
}

TEST_F(CallQueueTest, OnceEmptyItIsPatientAgain) {
  let_stand();
  EXPECT_EQ(next(), 0);

  push(1);
  push(2);
  now += median + duration{1};

  EXPECT_EQ(refused(), std::vector<int>{});
  EXPECT_EQ(next(), 1);
}

TEST_F(CallQueueTest, RefusalsDoNotMakeItPatient) {
  let_stand();
  EXPECT_EQ(refused(), std::vector<int>{0});
  EXPECT_TRUE(queue.empty());

  push(1);
  now += median + duration{1};
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, AnInstanceThatWasFreeMakesItPatient) {
  let_stand();
  EXPECT_EQ(refused(), std::vector<int>{0});
  queue.passed_by();

  push(1);
  now += median + duration{1};
  EXPECT_EQ(refused(), std::vector<int>{});
}

TEST_F(CallQueueTest, WhatACallHasWaitedElsewhereCounts) {
  let_stand();
  push(1, median);
  EXPECT_EQ(refused(), std::vector<int>{0});

  now += duration{1};
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, WhileTheFirstInstanceStartsItsTimeIsTheLimit) {
  view = {false, false, {}};
  push(1);
  now += limits.start_timeout;
  EXPECT_EQ(refused(), std::vector<int>{});
  now += duration{1};
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, TheWaitForTheFirstInstanceIsNotAWaitForATurn) {
  view.has_instances = false;
  push(1);
  push(2);
  now += seconds{5};
  queue.instance_added(now, true);
  view.has_instances = true;

  EXPECT_EQ(refused(), std::vector<int>{});
  EXPECT_EQ(next(), 1);
  now += limits.max_age + duration{1};
  EXPECT_EQ(refused(), std::vector<int>{2});
}

TEST_F(CallQueueTest, InstancesThatComeAndGoKeepNoCallForEver) {
  push(1);
  const auto began = now;
  while (now - began <= limits.start_timeout + limits.max_age) {
    EXPECT_EQ(refused(), std::vector<int>{});
    now += limits.max_age;
    queue.instance_added(now, true);
  }
  EXPECT_EQ(refused(), std::vector<int>{1});
}

TEST_F(CallQueueTest, WhileOneMoreInstanceStartsItIsPatient) {
  view.starting = true;
  let_stand();
  push(1);
  now += median + duration{1};

  EXPECT_EQ(refused(), std::vector<int>{});
  EXPECT_EQ(next(), 0);
}

TEST_F(CallQueueTest, AnInstanceMoreGivesItTimeToDrain) {
  let_stand();
  queue.instance_added(now, false);
  now += median + duration{1};
  EXPECT_EQ(refused(), std::vector<int>{});

  now += queue_patience::standing_after;
  EXPECT_EQ(refused(), std::vector<int>{0});
}

TEST_F(CallQueueTest, AskingForInstancesGivesItTimeOnce) {
  push(0);
  now += queue_patience::standing_after;
  queue.growth_asked(now);
  now += milliseconds{60};
  queue.growth_asked(now);
  EXPECT_EQ(refused(), std::vector<int>{});

  now += milliseconds{60};
  EXPECT_EQ(refused(), std::vector<int>{0});
}

TEST_F(CallQueueTest, OnceAnInstanceHasComeAskingGivesTimeAgain) {
  push(0);
  queue.growth_asked(now);
  queue.instance_added(now, false);
  now += queue_patience::standing_after;
  queue.growth_asked(now);

  EXPECT_EQ(refused(), std::vector<int>{});
}

TEST_F(CallQueueTest, IsFullByCallsAndByBytes) {
  limits.max_calls = 2;
  limits.max_bytes = 100;
  EXPECT_FALSE(queue.is_full(101, limits)) << "it would never run";
  push(1);
  EXPECT_FALSE(queue.is_full(101, limits)) << "no body waits";
  EXPECT_EQ(next(), 1);
  auto call = std::make_shared<functions::invocation>();
  call->json = std::string(60, 'x');
  queue.push({call, now, 1});

  EXPECT_FALSE(queue.is_full(40, limits));
  EXPECT_TRUE(queue.is_full(41, limits));
  push(2);
  EXPECT_TRUE(queue.is_full(0, limits));
  EXPECT_EQ(queue.bytes(), 60u);

  EXPECT_EQ(next(), 1);
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST_F(CallQueueTest, BodiesThatWaitLeaveLessRoomAtTheNodeForAnotherAndAsMuchForCallsWithoutOne) {
  EXPECT_TRUE(limits.node_has_room(101)) << "there is no bound";
  limits.bodies = std::make_shared<functions::waiting_bodies>(100);
  EXPECT_TRUE(limits.node_has_room(101)) << "no body waits anywhere";
  auto first = limits.take(60);
  auto second = limits.take(30);

  EXPECT_TRUE(limits.node_has_room(10));
  EXPECT_FALSE(limits.node_has_room(11));
  EXPECT_TRUE(limits.node_has_room(0));

  auto moved = std::move(first);
  first = {};
  EXPECT_EQ(limits.bodies->bytes(), 90u);
  moved = {};
  EXPECT_TRUE(limits.node_has_room(70));
  second = {};
  EXPECT_EQ(limits.bodies->bytes(), 0u);
}

TEST_F(CallQueueTest, ABoundOnBodiesThatIsLoweredBelowWhatWaitsLetsThemWait) {
  limits.bodies = std::make_shared<functions::waiting_bodies>(100);
  const auto waits = limits.take(60);

  limits.bodies->set_max(10);

  EXPECT_FALSE(limits.node_has_room(1));
  EXPECT_EQ(limits.bodies->bytes(), 60u);
}

TEST_F(CallQueueTest, ExtractTakesInOrderAndKeepsTheOrderOfTheRest) {
  for (const int number : {1, 2, 3, 4})
    push(number);

  const auto taken = queue.extract([](const waiting& each) { return each.number % 2 == 0; });

  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].number, 2);
  EXPECT_EQ(taken[1].number, 4);
  EXPECT_EQ(next(), 1);
  EXPECT_EQ(next(), 3);
}
