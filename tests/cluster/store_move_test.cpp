// `troupe store move --to`, cut at each of its steps.
#include "cluster/store_move.hpp"

#include <gtest/gtest.h>

#include "tests/cluster/store_cluster_test.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct StoreMoveTest : store_cluster_test {
  void SetUp() override {
    net.add("a", false);
    net.settle();
    net.add("b", true);
    net.add("c", true);
    net.settle();
    net.pass(600ms);
    ASSERT_TRUE(net.level());
  }
  move_call move_to(const std::string& name) { return {net[name].self.id, make_fast_uuid()}; }
};

}  // namespace

TEST_F(StoreMoveTest, AMoveLosesNothingAndEveryNodeCommitsAtTheNewPrimary) {
  ASSERT_TRUE(done(put("c", "before")));

  const auto answer = net.answer("c", move_to("b"));

  ASSERT_TRUE(done(answer)) << why(answer);
  EXPECT_EQ(net.primary(), "b");
  for (const auto* name : {"a", "b", "c"})
    EXPECT_TRUE(done(put(name, std::string{"after"} + name)));
  EXPECT_TRUE(net.level());
  EXPECT_NE(net["a"].running->records().find("function/before"), nullptr);
}

TEST_F(StoreMoveTest, SessionsHaveTheirFullTimeAgainAfterAMove) {
  const auto session = make_fast_uuid();
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("c", open_session_call{session, net["c"].self.id, net["c"].incarnation, "c:7000", 2s})));
  net.pass(1500ms);
  ASSERT_TRUE(done(net.answer("a", move_to("b"))));

  net.pass(1900ms);
  EXPECT_EQ(net["b"].running->status(net.now).sessions, 1u);
  net.pass(300ms);
  EXPECT_EQ(net["b"].running->status(net.now).sessions, 0u);
}

TEST_F(StoreMoveTest, CallsThatWaitDuringAMoveAreAnsweredByTheNewPrimary) {
  net["a"].disk_stalled = true;
  const auto first = net.ask("a", commit_call{{{}, {{"function/x", "1", false}}, make_fast_uuid()}});
  const auto move = net.ask("a", move_to("b"));
  const auto local = net.ask("a", commit_call{{{}, {{"function/y", "1", false}}, make_fast_uuid()}});
  const auto remote = net.ask("c", commit_call{{{}, {{"function/z", "1", false}}, make_fast_uuid()}});
  net.settle();
  net["a"].disk_stalled = false;
  net.settle();

  for (const auto& [name, number] :
       {std::pair{"a", first}, std::pair{"a", move}, std::pair{"a", local}, std::pair{"c", remote}}) {
    ASSERT_NE(net.answered(name, number), nullptr) << number;
    EXPECT_TRUE(done(*net.answered(name, number))) << why(*net.answered(name, number));
  }
  EXPECT_EQ(net.primary(), "b");
  EXPECT_TRUE(net.level());
}

TEST_F(StoreMoveTest, ThePrimaryGoesOnWhenTheOtherIsNotLevelWithinTwoSeconds) {
  net["b"].disk_stalled = true;
  ASSERT_TRUE(done(put("a", "x")));
  const auto move = net.ask("a", move_to("b"), 10s);
  const auto waits = net.ask("c", commit_call{{{}, {{"function/y", "1", false}}, make_fast_uuid()}}, 10s);
  net.pass(1900ms);
  EXPECT_EQ(net.answered("a", move), nullptr);
  EXPECT_EQ(net.answered("c", waits), nullptr) << "closed while it moves";

  net.pass(300ms);

  ASSERT_NE(net.answered("a", move), nullptr);
  EXPECT_NE(why(*net.answered("a", move)).find("not level"), std::string::npos);
  ASSERT_NE(net.answered("c", waits), nullptr);
  EXPECT_TRUE(done(*net.answered("c", waits)));
  EXPECT_EQ(net.primary(), "a");
}

TEST_F(StoreMoveTest, RenewalsAreNotAnsweredWhileItMoves) {
  const auto session = make_fast_uuid();
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("c", open_session_call{session, net["c"].self.id, net["c"].incarnation, "c:7000", 10s})));
  net["b"].disk_stalled = true;
  ASSERT_TRUE(done(put("a", "x")));
  net.ask("a", move_to("b"), 10s);
  const auto renewal = net.ask("c", renew_call{session, net["c"].self.id, net["c"].incarnation}, 10s);
  net.settle();
  EXPECT_EQ(net.answered("c", renewal), nullptr);

  net.pass(2200ms);

  ASSERT_NE(net.answered("c", renewal), nullptr);
}

TEST_F(StoreMoveTest, TheOldPrimaryNeverCommitsAgainWhenItDiesBeforeTheNewOneHasTheLastRow) {
  net.cut("a", "c");
  net["b"].disk_stalled = true;
  // b is level, and its disk stops just before the last row.
  const auto move = net.ask("a", move_to("b"));
  net.settle();
  ASSERT_NE(net.answered("a", move), nullptr);
  EXPECT_TRUE(done(*net.answered("a", move)));
  EXPECT_EQ(net.primary(), "") << "between the steps nobody is";
  net.kill("b");
  net["b"].disk_stalled = false;
  net.kill("a");

  net.start("a");
  net.pass(6s);
  EXPECT_EQ(net.primary(), "");
  EXPECT_FALSE(done(put("a", "x")));

  net.start("b");
  net.settle();
  EXPECT_EQ(net.primary(), "b");
  EXPECT_TRUE(done(put("a", "y")));
  net.heal("a", "c");
  net.pass(200ms);
  EXPECT_TRUE(net.level());
}

TEST_F(StoreMoveTest, AnyNodePassesTheLastRowOn) {
  net["b"].disk_stalled = true;
  const auto move = net.ask("a", move_to("b"));
  net.settle();
  ASSERT_TRUE(done(*net.answered("a", move)));
  net.kill("a");  // c has the row, b lost it with its process
  net.kill("b");
  net["b"].disk_stalled = false;

  net.start("b");
  net.pass(300ms);

  EXPECT_EQ(net.primary(), "b");
  EXPECT_TRUE(done(put("c", "x")));
}

TEST_F(StoreMoveTest, APrimaryThatDiesBeforeItsLastRowIsDurableIsStillThePrimary) {
  net["a"].disk_stalled = true;
  net.ask("a", move_to("b"));
  net.settle();
  net.kill("a");
  net["a"].disk_stalled = false;

  net.start("a");
  net.settle();

  EXPECT_EQ(net.primary(), "a");
  EXPECT_TRUE(done(put("b", "x")));
}

TEST_F(StoreMoveTest, AMoveToWhoIsNotThereIsRefused) {
  EXPECT_NE(why(net.answer("a", move_to("a"))).find("already"), std::string::npos);
  EXPECT_NE(why(net.answer("a", move_call{make_fast_uuid(), make_fast_uuid()})).find("not registered"),
            std::string::npos);
  net.kill("b");
  EXPECT_NE(why(net.answer("a", move_to("b"))).find("does not follow"), std::string::npos);
  EXPECT_TRUE(done(put("c", "x")));
}

TEST_F(StoreMoveTest, AMoveThereAndBackKeepsOneHistory) {
  ASSERT_TRUE(done(net.answer("a", move_to("b"))));
  net.pass(600ms);
  ASSERT_TRUE(done(put("c", "x")));
  const auto back = net.answer("c", move_to("a"));
  ASSERT_TRUE(done(back)) << why(back);

  EXPECT_EQ(net.primary(), "a");
  EXPECT_TRUE(done(put("b", "y")));
  EXPECT_TRUE(net.level());
}
