#include "cluster/instance_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "cluster/call_routing.hpp"

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

uuid id(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

/// Node 1 plans; the function is one whose home it is among nodes 1 to 3, and node 2 without it.
class InstancePlanTest : public ::testing::Test {
protected:
  InstancePlanTest() {
    const std::vector<uuid> all{id(1), id(2), id(3)}, others{id(2), id(3)};
    do
      function = make_fast_uuid();
    while (home_of(function, all) != id(1) || home_of(function, others) != id(2));
    plan.set_functions({{function, 1, {0, 4}, 1}});
    for (std::uint8_t n = 1; n <= 3; ++n)
      come(n);
  }

  void come(std::uint8_t n, const uuid& incarnation = make_fast_uuid()) {
    plan_member member;
    member.node = id(n);
    member.incarnation = incarnation;
    member.heard = true;
    member.memory_left_bytes = 1000;
    view.push_back(member);
  }
  void go(std::uint8_t n) {
    std::erase_if(view, [&](const auto& member) { return member.node == id(n); });
  }
  function_presence& at(std::uint8_t n) {
    auto& there = said[n][function];
    there.function = function;
    return there;
  }
  /// One round; what was heard is as of now.
  std::vector<band_order> round() {
    for (auto& member : view) {
      member.functions = &said[member.node.bytes[15]];
      member.heard_at = now;
    }
    return plan.next(view, now);
  }
  /// Rounds of 100 ms whose orders are all kept to.
  std::vector<band_order> pass(milliseconds time) {
    std::vector<band_order> all;
    for (const auto end = now + time; now < end;) {
      now += 100ms;
      for (const auto& each : round()) {
        all.push_back(each);
        keep(each);
      }
    }
    return all;
  }
  void keep(const band_order& order) {
    at(order.node.bytes[15]).band = order.band;
    plan.answered(order, order_answer::done, now);
  }

  uuid function;
  instance_plan plan{id(1)};
  std::vector<plan_member> view;
  std::map<std::uint8_t, std::map<uuid, function_presence>> said;
  time_point now{1h};
};

TEST_F(InstancePlanTest, DecidesNothingBeforeItHasSeenTheSameNodesForTwoSeconds) {
  EXPECT_TRUE(pass(2s).empty());
  const auto orders = pass(200ms);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].node, id(1));
  EXPECT_EQ(orders[0].band, (instance_band{0, 4}));

  go(3);
  at(2).wanted = 1;
  EXPECT_TRUE(pass(2s).empty()) << "the view changed";
  EXPECT_EQ(pass(300ms).size(), 2u);
}

TEST_F(InstancePlanTest, IsQuietWhenNothingChanges) {
  pass(5s);
  at(1).ready = 2;
  at(1).outstanding = 7;
  EXPECT_TRUE(pass(120s).empty());
}

TEST_F(InstancePlanTest, AFunctionDeployedLaterIsPlannedAtOnce) {
  pass(5s);
  std::vector<uuid> nodes{id(1), id(2), id(3)};
  planned_function late{make_fast_uuid(), 1, {1, 0}, 1};
  while (home_of(late.id, nodes) != id(1))
    late.id = make_fast_uuid();
  plan.set_functions({late});

  const auto orders = pass(100ms);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].band, (instance_band{1, 0}));
}

TEST_F(InstancePlanTest, DecidesNothingForFunctionsOfOtherHomes) {
  instance_plan other{id(2)};
  other.set_functions({{function, 1, {2, 4}, 1}});
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(other.next(view, now += 100ms).empty());
}

TEST_F(InstancePlanTest, ANodeShrinksAndSaysSoBeforeAnotherGrows) {
  pass(5s);
  at(2).wanted = 3;
  now += 100ms;
  const auto first = round();
  ASSERT_EQ(first.size(), 1u) << "the home gives up room first";
  EXPECT_EQ(first[0].band, (instance_band{0, 1}));
  now += 100ms;
  EXPECT_TRUE(round().empty()) << "it has not said so yet";

  keep(first[0]);
  const auto second = round();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].node, id(2));
  EXPECT_EQ(second[0].band, (instance_band{0, 3}));
}

TEST_F(InstancePlanTest, AnOrderThatMayHaveBeenTakenCountsUntilALaterOneIsDone) {
  pass(5s);
  at(2).wanted = 2;
  now += 100ms;
  keep(round().at(0));  // the home has 2 left
  const auto grown = round();
  ASSERT_EQ(grown.at(0).band, (instance_band{0, 2}));
  plan.answered(grown[0], order_answer::failed, now);
  at(2).wanted = 0;
  at(1).wanted = 2;

  std::vector<band_order> orders;
  while (orders.empty()) {
    now += 100ms;
    orders = round();
  }
  ASSERT_EQ(orders.size(), 1u) << "node 2 may have the room: the home does not take it yet";
  EXPECT_EQ(orders[0].node, id(2));
  EXPECT_EQ(orders[0].band, (instance_band{0, 0}));
  EXPECT_GT(orders[0].number, grown[0].number);
  keep(orders[0]);
  EXPECT_EQ(pass(200ms).at(0).band, (instance_band{0, 4}));
}

TEST_F(InstancePlanTest, FailedOrdersAreRepeatedEverLessOften) {
  pass(5s);
  at(2).wanted = 1;
  pass(100ms);
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    for (const auto& each : round())
      if (each.node == id(2)) {
        ++sent;
        plan.answered(each, order_answer::failed, now);
      }
  }
  EXPECT_GE(sent, 5);
  EXPECT_LE(sent, 9);
}

TEST_F(InstancePlanTest, TakesOverWhatNodesHoldFromTheHomeBefore) {
  go(1);
  view.clear();
  for (std::uint8_t n = 1; n <= 2; ++n)
    come(n);
  at(2).band = {0, 4};
  at(2).ready = 3;
  EXPECT_TRUE(pass(30s).empty()) << "room that somebody has stays";

  at(1).wanted = 2;
  const auto orders = pass(300ms);
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].band, (instance_band{0, 3})) << "only what is not used";
  EXPECT_EQ(orders[1].band, (instance_band{0, 1}));
}

TEST_F(InstancePlanTest, ANewHomeLowersNoMinimumForAMinute) {
  plan.set_functions({{function, 1, {1, 0}, 1}});
  at(2).band = at(3).band = {1, 0};
  at(2).ready = at(3).ready = 1;
  EXPECT_TRUE(pass(59s).empty());
  const auto orders = pass(5s);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].band, (instance_band{0, 0}));
}

TEST_F(InstancePlanTest, TheMaximumIsRestoredWhenANodeComesBackWithWhatItHad) {
  pass(5s);
  go(3);
  at(2).wanted = 4;
  pass(5s);
  at(2).wanted = 0;
  at(2).ready = 4;
  EXPECT_EQ(at(2).band, (instance_band{0, 4}));

  come(3);
  at(3).band = {0, 2};
  at(3).ready = 2;
  at(3).outstanding = 2;
  pass(5s);
  EXPECT_EQ(at(1).band.max + at(2).band.max + at(3).band.max, 4u);
  EXPECT_EQ(at(3).band, (instance_band{0, 2})) << "it has calls; of the other the idle ones go";
}

TEST_F(InstancePlanTest, WhatWasStartedWithoutABandStopsWhenItIsTooMuch) {
  pass(5s);
  at(1).ready = 4;
  at(1).outstanding = 4;
  at(2).ready = 1;  // while the home was suspected
  pass(100ms);
  now += 500ms;  // it has been told already, without effect
  at(2).ready = 1;
  const auto orders = round();
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].node, id(2));
  EXPECT_EQ(orders[0].band, (instance_band{0, 0}));
  at(2).ready = 0;
  keep(orders[0]);
  EXPECT_TRUE(pass(5s).empty());
}

/// As functions in the node's own process, of which each loop has one whatever a band says.
TEST_F(InstancePlanTest, OrdersWithoutEffectAreRepeatedEverLessOften) {
  for (const bool forgets : {false, true}) {
    pass(5s);
    at(1).ready = 6;
    std::size_t orders = 0;
    for (const auto end = now + 20s; now < end; now += 10ms)
      for (const auto& each : round()) {
        ++orders;
        keep(each);
        if (forgets)
          at(1).band = {};
      }
    EXPECT_LE(orders, 14u);
    EXPECT_GE(orders, 8u);
  }
}

TEST_F(InstancePlanTest, ANodeThatStartedAnewHoldsNothing) {
  pass(5s);
  at(3).wanted = 4;
  pass(300ms);
  EXPECT_EQ(at(3).band, (instance_band{0, 4}));

  go(3);
  said.erase(3);
  come(3);
  at(2).wanted = 4;
  EXPECT_TRUE(pass(2s).empty());
  pass(300ms);
  EXPECT_EQ(at(2).band, (instance_band{0, 4}));
}

TEST_F(InstancePlanTest, TheMinimumOfANodeThatWentComesAgainElsewhere) {
  plan.set_functions({{function, 1, {2, 0}, 1}});
  pass(3s);
  EXPECT_EQ(at(1).band, (instance_band{1, 0}));
  EXPECT_EQ(at(2).band, (instance_band{1, 0}));

  go(2);
  pass(2300ms);
  EXPECT_EQ(at(3).band, (instance_band{1, 0}));

  said.erase(2);
  come(2);
  EXPECT_TRUE(pass(120s).empty()) << "it comes back, and nothing moves";
}

TEST_F(InstancePlanTest, AHomeThatSleptLooksAnew) {
  pass(5s);
  now += 3s;
  at(2).band = {0, 4};  // another home gave it
  at(2).ready = 4;
  at(1).band = {0, 0};
  EXPECT_TRUE(pass(10s).empty());
}

TEST_F(InstancePlanTest, ANodeThatIsNotHeardIsWaitedForButNotForEver) {
  view[2].heard = false;
  EXPECT_TRUE(pass(4900ms).empty());
  EXPECT_FALSE(pass(300ms).empty());
}

TEST_F(InstancePlanTest, SendsABoundedNumberOfOrdersAtOnce) {
  std::vector<planned_function> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back({make_fast_uuid(), 1, {3, 0}, 1});
  plan.set_functions(many);
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    most = std::max(most, round().size());
  }
  EXPECT_EQ(most, instance_plan::max_orders);
}

}  // namespace
}  // namespace troupe::cluster
