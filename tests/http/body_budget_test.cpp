#include "http/body_budget.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

using std::chrono::milliseconds;
using std::chrono::seconds;
using troupe::time_point;
using troupe::http::body_budget;
using troupe::http::body_holder;
using troupe::http::body_limits;

namespace {

constexpr std::size_t mb = 1'000'000;

class fake_client : public body_holder {
public:
  std::size_t taken_bytes() const noexcept override {
    ++asked;
    return taken;
  }
  std::size_t taken = 0;
  mutable int asked = 0;
};

class BodyBudgetTest : public ::testing::Test {
protected:
  time_point now{seconds{1000}};
  body_budget budget{body_limits{10 * mb, seconds{60}}};
  std::array<fake_client, 4> holders;

  void hold(fake_client& who, std::size_t bytes) { budget.hold_request(who, bytes, now); }
  void hold_answer(fake_client& who, std::size_t bytes) { budget.hold_answer(who, bytes, now); }
  /// Who must give way first; null when nobody must.
  body_holder* excess() {
    body_holder* first = nullptr;
    budget.turn_slow_away(now, [&](body_holder& who) { first = first == nullptr ? &who : first; });
    return first;
  }
  bool much_is_gone_after(troupe::duration passed) {
    now += passed;
    return budget.take_much_is_gone(now);
  }
  bool takes(std::size_t bytes) const { return budget.takes(bytes, now); }
};

}  // namespace

TEST_F(BodyBudgetTest, NobodyGivesWayWithinIt) {
  hold(holders[0], 6 * mb);
  hold(holders[1], 4 * mb);

  EXPECT_EQ(budget.held_bytes(), 10 * mb);
  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, BeyondItWhoBeganFirstGivesWayUntilItIsEnough) {
  for (auto& each : holders)
    hold(each, 4 * mb);

  ASSERT_EQ(excess(), &holders[0]);
  budget.let_go(holders[0]);
  ASSERT_EQ(excess(), &holders[1]);
  budget.let_go(holders[1]);
  EXPECT_EQ(excess(), nullptr);
  EXPECT_EQ(budget.held_bytes(), 8 * mb);
}

TEST_F(BodyBudgetTest, GrowingIsNoNewBeginning) {
  hold(holders[0], 1 * mb);
  hold(holders[1], 1 * mb);
  hold(holders[0], 11 * mb);

  EXPECT_EQ(budget.held_bytes(), 12 * mb);
  EXPECT_EQ(excess(), &holders[0]);
}

TEST_F(BodyBudgetTest, WhoLetGoBeginsAnew) {
  for (const int n : {0, 1, 0})
    hold(holders[static_cast<std::size_t>(n)], 4 * mb);
  hold(holders[0], 0);
  hold(holders[0], 8 * mb);

  EXPECT_EQ(excess(), &holders[1]);
}

TEST_F(BodyBudgetTest, WhoHoldsLittleKeepsItWhileOthersHoldMuch) {
  hold(holders[0], body_budget::worthwhile - 1);
  hold(holders[1], 11 * mb);
  EXPECT_EQ(excess(), &holders[1]);

  budget.let_go(holders[1]);
  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, OfManyThatHoldLittleTheOldestGivesWay) {
  budget.set_limits({150, seconds{60}});
  hold(holders[0], 100);
  EXPECT_FALSE(budget.over());
  hold(holders[1], 100);
  EXPECT_EQ(excess(), &holders[0]);
  for (auto& each : holders)
    budget.let_go(each);
  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, AnyOfThemMayLetGo) {
  for (const std::size_t order : {1, 0, 3, 2}) {
    for (auto& each : holders)
      hold(each, 4 * mb);
    budget.let_go(holders[order]);
    budget.let_go(holders[order]);
    EXPECT_EQ(budget.held_bytes(), 12 * mb);
    EXPECT_EQ(excess(), &holders[order == 0 ? 1 : 0]);
    for (auto& each : holders)
      budget.let_go(each);
    EXPECT_EQ(budget.held_bytes(), 0u);
    EXPECT_EQ(excess(), nullptr);
  }
}

TEST_F(BodyBudgetTest, ASlowReaderKeepsItsAnswerWhileOthersHoldLittle) {
  hold_answer(holders[0], 2 * mb);

  now += seconds{3600};

  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, AboveItsPatientPartTheOldestOfTheSlowReadersGivesWay) {
  for (auto* each : {&holders[0], &holders[1], &holders[2]})
    hold_answer(*each, 1 * mb);
  // A sixtieth of it each second is the pace that is just enough.
  holders[0].taken = 1 * mb * 5 / 60 + 1;
  holders[1].taken = 1 * mb * 5 / 60 - 1;

  now += seconds{5} - milliseconds{1};
  EXPECT_EQ(excess(), nullptr);
  now += milliseconds{1};
  ASSERT_EQ(excess(), &holders[1]);
  budget.let_go(holders[1]);

  EXPECT_EQ(budget.held_bytes(), 2 * mb);
  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, AReaderThatHasBeenAtItForLongerThanTheWholeTimeIsSlow) {
  hold_answer(holders[0], 3 * mb);
  holders[0].taken = 3 * mb - 1;

  now += seconds{60};

  EXPECT_EQ(excess(), &holders[0]);
}

TEST_F(BodyBudgetTest, ARequestIsNotJudgedByItsPace) {
  hold(holders[0], 9 * mb);

  now += seconds{59};

  EXPECT_EQ(excess(), nullptr);
}

TEST_F(BodyBudgetTest, ALargeAnswerThatDoesNotFitIsNotBegun) {
  hold_answer(holders[0], 5 * mb);
  hold_answer(holders[1], 4 * mb);

  EXPECT_TRUE(takes(1 * mb));
  EXPECT_FALSE(takes(1 * mb + 1));
  EXPECT_TRUE(takes(body_budget::worthwhile - 1));
}

TEST_F(BodyBudgetTest, ALargeAnswerBeginsWhereASlowReaderGivesWayForIt) {
  hold_answer(holders[0], 5 * mb);
  hold_answer(holders[1], 4 * mb);
  holders[0].taken = 1 * mb;

  now += seconds{1};

  ASSERT_TRUE(takes(5 * mb));
  EXPECT_FALSE(takes(5 * mb + 1));
  hold_answer(holders[2], 5 * mb);
  EXPECT_EQ(excess(), &holders[1]);
}

TEST_F(BodyBudgetTest, ALargeAnswerBeginsWhereARequestGivesWayForIt) {
  hold_answer(holders[0], 5 * mb);
  hold(holders[1], 4 * mb);

  ASSERT_TRUE(takes(5 * mb));
  hold_answer(holders[2], 5 * mb);

  EXPECT_EQ(excess(), &holders[1]);
}

TEST_F(BodyBudgetTest, WhenNobodyIsSlowTheOldestGivesWay) {
  hold_answer(holders[0], 6 * mb);
  hold_answer(holders[1], 6 * mb);

  EXPECT_EQ(excess(), &holders[0]);
}

TEST_F(BodyBudgetTest, MuchIsGoneWhenASecondHadMuchLess) {
  budget.set_limits({1000 * mb, seconds{60}});
  hold(holders[0], 100 * mb);
  hold(holders[1], 60 * mb);
  EXPECT_FALSE(much_is_gone_after(seconds{1}));
  budget.let_go(holders[0]);
  EXPECT_FALSE(much_is_gone_after(seconds{1})) << "there was as much in this second";

  EXPECT_TRUE(much_is_gone_after(seconds{1})) << "although a slow client keeps the rest";
  EXPECT_FALSE(much_is_gone_after(seconds{1})) << "said once";
  budget.let_go(holders[1]);
  EXPECT_FALSE(much_is_gone_after(milliseconds{500}));
  EXPECT_FALSE(much_is_gone_after(milliseconds{500}));
  EXPECT_TRUE(much_is_gone_after(seconds{1}));
}

TEST_F(BodyBudgetTest, BodiesThatComeAndGoLeaveNothingToGiveBack) {
  for (int i = 0; i < 100; ++i) {
    hold(holders[0], 9 * mb);
    hold(holders[1], 9 * mb);
    EXPECT_FALSE(much_is_gone_after(milliseconds{100}));
    budget.let_go(holders[0]);
    budget.let_go(holders[1]);
    EXPECT_FALSE(much_is_gone_after(milliseconds{100}));
  }
}

TEST_F(BodyBudgetTest, LittleThatIsGoneIsNotMuch) {
  hold(holders[0], body_budget::much - 1);
  EXPECT_FALSE(much_is_gone_after(seconds{1}));
  budget.let_go(holders[0]);
  EXPECT_FALSE(much_is_gone_after(seconds{1}));
  EXPECT_FALSE(much_is_gone_after(seconds{1}));
}

TEST_F(BodyBudgetTest, WhoIsAloneIsServedWhateverTheBound) {
  EXPECT_TRUE(takes(30 * mb));

  hold_answer(holders[0], 30 * mb);

  EXPECT_EQ(excess(), nullptr);
  EXPECT_FALSE(takes(1 * mb));
}

TEST_F(BodyBudgetTest, WhoOnlyJustKeepsPaceGivesWayAtTheBound) {
  for (auto* each : {&holders[0], &holders[1]})
    hold_answer(*each, 5 * mb);
  now += seconds{10};
  holders[0].taken = 5 * mb * 10 / 60 * 8 + 100;
  holders[1].taken = 5 * mb * 10 / 60 * 7;
  EXPECT_EQ(excess(), nullptr) << "it fits";

  ASSERT_TRUE(takes(5 * mb));
  hold_answer(holders[2], 5 * mb);

  EXPECT_EQ(excess(), &holders[1]);
}

TEST_F(BodyBudgetTest, OneWalkTurnsAwayAsManyAsItTakesAndAsksEachOnce) {
  budget.set_limits({8 * mb, seconds{60}});
  for (auto& each : holders)
    hold_answer(each, 1 * mb);
  holders[0].taken = holders[3].taken = 1 * mb;
  now += seconds{30};
  std::vector<body_holder*> gone;

  budget.turn_slow_away(now, [&](body_holder& who) {
    gone.push_back(&who);
    budget.let_go(who);
  });

  EXPECT_EQ(gone, (std::vector<body_holder*>{&holders[1], &holders[2]}));
  EXPECT_EQ(holders[0].asked, 1);
  EXPECT_EQ(holders[3].asked, 0) << "no more than the patient part is held by then";
}
