#include "http/body_budget.hpp"

#include <gtest/gtest.h>

#include <array>

using troupe::http::body_budget;
using troupe::http::body_holder;

namespace {

constexpr std::size_t mb = 1'000'000;

class BodyBudgetTest : public ::testing::Test {
protected:
  body_budget budget{10 * mb};
  std::array<body_holder, 4> holders;
};

}  // namespace

TEST_F(BodyBudgetTest, NobodyGivesWayWithinIt) {
  budget.hold(holders[0], 6 * mb);
  budget.hold(holders[1], 4 * mb);

  EXPECT_EQ(budget.held_bytes(), 10 * mb);
  EXPECT_EQ(budget.excess(), nullptr);
}

TEST_F(BodyBudgetTest, BeyondItWhoBeganFirstGivesWayUntilItIsEnough) {
  for (auto& each : holders)
    budget.hold(each, 4 * mb);

  ASSERT_EQ(budget.excess(), &holders[0]);
  budget.let_go(holders[0]);
  ASSERT_EQ(budget.excess(), &holders[1]);
  budget.let_go(holders[1]);
  EXPECT_EQ(budget.excess(), nullptr);
  EXPECT_EQ(budget.held_bytes(), 8 * mb);
}

TEST_F(BodyBudgetTest, GrowingIsNoNewBeginning) {
  budget.hold(holders[0], 1 * mb);
  budget.hold(holders[1], 1 * mb);
  budget.hold(holders[0], 11 * mb);

  EXPECT_EQ(budget.held_bytes(), 12 * mb);
  EXPECT_EQ(budget.excess(), &holders[0]);
}

TEST_F(BodyBudgetTest, WhoLetGoBeginsAnew) {
  for (const int n : {0, 1, 0})
    budget.hold(holders[static_cast<std::size_t>(n)], 4 * mb);
  budget.hold(holders[0], 0);
  budget.hold(holders[0], 8 * mb);

  EXPECT_EQ(budget.excess(), &holders[1]);
}

TEST_F(BodyBudgetTest, WhoHoldsLittleKeepsItWhileOthersHoldMuch) {
  budget.hold(holders[0], body_budget::worthwhile - 1);
  budget.hold(holders[1], 11 * mb);
  EXPECT_EQ(budget.excess(), &holders[1]);

  budget.let_go(holders[1]);
  EXPECT_EQ(budget.excess(), nullptr);
}

TEST_F(BodyBudgetTest, OfManyThatHoldLittleTheOldestGivesWay) {
  body_budget tiny{150};
  tiny.hold(holders[0], 100);
  EXPECT_FALSE(tiny.over());
  tiny.hold(holders[1], 100);
  EXPECT_EQ(tiny.excess(), &holders[0]);
  for (auto* each : {&holders[0], &holders[1]})
    tiny.let_go(*each);
  EXPECT_EQ(tiny.excess(), nullptr);
}

TEST_F(BodyBudgetTest, AnyOfThemMayLetGo) {
  for (const std::size_t order : {1, 0, 3, 2}) {
    for (auto& each : holders)
      budget.hold(each, 4 * mb);
    budget.let_go(holders[order]);
    budget.let_go(holders[order]);
    EXPECT_EQ(budget.held_bytes(), 12 * mb);
    EXPECT_EQ(budget.excess(), &holders[order == 0 ? 1 : 0]);
    for (auto& each : holders)
      budget.let_go(each);
    EXPECT_EQ(budget.held_bytes(), 0u);
    EXPECT_EQ(budget.excess(), nullptr);
  }
}
