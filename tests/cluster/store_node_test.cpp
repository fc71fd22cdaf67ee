#include "cluster/store_node.hpp"

#include <gtest/gtest.h>

#include "tests/cluster/store_cluster_test.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// A primary a with two copies b and c, all level.
struct StoreNodeTest : store_cluster_test {
  void SetUp() override {
    net.add("a", false);
    net.settle();
    net.add("b", true);
    net.add("c", true);
    net.settle();
    net.pass(600ms);
    ASSERT_EQ(net.primary(), "a");
    ASSERT_EQ(net["b"].role, store_role::copy) << net.events("b");
    ASSERT_TRUE(net.level());
  }
  commit_call put(const std::string& name, const std::string& value, commit_id id = make_fast_uuid(),
                  std::uint64_t revision = 0) {
    const auto key = "function/" + name;
    return {{{{key, revision}}, {{key, value, false}}, id}};
  }
  errc code(const store_answer& answer) {
    const auto* refusal = std::get_if<refused>(&answer);
    return refusal == nullptr ? errc::bug : refusal->why.code;
  }
  session_id open(const std::string& name, milliseconds ttl = 10s) {
    const auto id = make_fast_uuid();
    const auto answer = net.answer(name, open_session(name, id, ttl));
    EXPECT_TRUE(std::holds_alternative<session_granted>(answer)) << why(answer);
    return id;
  }
  open_session_call open_session(const std::string& name, session_id id, milliseconds ttl = 10s) {
    return {id, net[name].self.id, net[name].incarnation, name + ":7000", ttl};
  }
  renew_call renew(const std::string& name, session_id id) { return {id, net[name].self.id, net[name].incarnation}; }
  claim_call claim(session_id session, const std::string& resource) {
    return {session, resource, {}, {}, make_fast_uuid()};
  }
  std::uint64_t epoch(const store_answer& answer) {
    const auto* got = std::get_if<owned>(&answer);
    return got == nullptr ? 0 : got->epoch;
  }
};

}  // namespace

TEST_F(StoreNodeTest, ACommitAtACopyIsAcknowledgedAndSeenByAll) {
  const auto answer = net.answer("b", put("hello", "1"));

  ASSERT_TRUE(done(answer)) << why(answer);
  for (const auto* name : {"a", "b", "c"})
    EXPECT_EQ(net.contents(name), "hello=1@" + std::to_string(std::get<committed>(answer).cursor.value) + " ");
  EXPECT_TRUE(net.level());
}

TEST_F(StoreNodeTest, ACommitIsNotAcknowledgedBeforeItIsOnThePrimarysDisk) {
  net["a"].disk_stalled = true;
  const auto number = net.ask("b", put("hello", "1"));
  net.settle();
  EXPECT_EQ(net.answered("b", number), nullptr);
  EXPECT_EQ(net.contents("b"), "");

  net["a"].disk_stalled = false;
  net.settle();

  ASSERT_NE(net.answered("b", number), nullptr);
  EXPECT_EQ(net.contents("c").substr(0, 8), "hello=1@");
}

TEST_F(StoreNodeTest, ARepeatedIdIsAppliedOnceWhereverItIsAsked) {
  const auto id = make_fast_uuid();
  const auto first = net.answer("b", put("hello", "1", id));
  const auto again = net.answer("c", put("hello", "1", id));

  ASSERT_TRUE(done(first) && done(again));
  EXPECT_EQ(std::get<committed>(first).cursor, std::get<committed>(again).cursor);
}

TEST_F(StoreNodeTest, AConflictAtACopyShowsWhatStandsAtThePrimary) {
  net.answer("a", put("hello", "1"));

  const auto answer = net.answer("b", put("hello", "2"));

  ASSERT_TRUE(std::holds_alternative<conflicted>(answer));
  EXPECT_EQ(std::get<conflicted>(answer).records.at(0).value, "1");
}

TEST_F(StoreNodeTest, TheRestartOfThePrimaryDisturbsNothing) {
  ASSERT_TRUE(done(net.answer("b", put("hello", "1"))));
  const auto session = open("b");
  net.kill("a");
  net.settle();
  net.start("a");
  net.settle();

  EXPECT_TRUE(done(net.answer("c", put("other", "1"))));
  EXPECT_TRUE(std::holds_alternative<session_granted>(net.answer("b", renew("b", session))));
  EXPECT_TRUE(net.level());
}

TEST_F(StoreNodeTest, APrimaryAsksEveryRegisteredNodeBeforeItCommitsAndWaitsFiveSecondsForTheSlow) {
  net.kill("a");
  net.kill("c");
  net.start("a");
  const auto number = net.ask("a", put("hello", "1"), 20s);
  net.settle();
  EXPECT_EQ(net.answered("a", number), nullptr);

  net.pass(4s);
  EXPECT_EQ(net.answered("a", number), nullptr);
  net.pass(1100ms);

  ASSERT_NE(net.answered("a", number), nullptr);
  EXPECT_TRUE(done(*net.answered("a", number)));
}

TEST_F(StoreNodeTest, WithoutThePrimaryCommitsAreRefusedNamingItAndReadsGoOn) {
  ASSERT_TRUE(done(net.answer("b", put("hello", "1"))));
  net.kill("a");
  net.pass(3s);

  const auto answer = net.answer("b", put("other", "1"));

  EXPECT_EQ(code(answer), errc::unavailable);
  EXPECT_NE(why(answer).find("primary, a, has been out of reach for 3 s"), std::string::npos) << why(answer);
  EXPECT_EQ(net.contents("b").substr(0, 8), "hello=1@");
  EXPECT_FALSE(net["b"].running->status(net.now).in_reach);
}

TEST_F(StoreNodeTest, ACallWhoseLinkBreaksIsUnknownAndOutcomeSettlesIt) {
  const auto id = make_fast_uuid();
  net["a"].disk_stalled = true;
  const auto number = net.ask("b", put("hello", "1", id));
  net.settle();
  net.cut("a", "b");
  ASSERT_NE(net.answered("b", number), nullptr);
  EXPECT_EQ(code(*net.answered("b", number)), errc::unknown_outcome);

  net["a"].disk_stalled = false;
  net.heal("a", "b");
  const auto settled_as = net.answer("b", outcome_call{id});

  ASSERT_TRUE(std::holds_alternative<outcome_of_commit>(settled_as)) << why(settled_as);
  EXPECT_EQ(std::get<outcome_of_commit>(settled_as).state, settled::committed);
  EXPECT_EQ(net.contents("b").substr(0, 8), "hello=1@");
}

TEST_F(StoreNodeTest, AnOutcomeAskedBeforeTheCommitArrivesMakesItVoid) {
  const auto id = make_fast_uuid();

  const auto settled_as = net.answer("b", outcome_call{id});
  const auto late = net.answer("c", put("hello", "1", id));

  EXPECT_EQ(std::get<outcome_of_commit>(settled_as).state, settled::voided);
  EXPECT_TRUE(std::holds_alternative<voided>(late));
  EXPECT_EQ(net.contents("a"), "");
}

TEST_F(StoreNodeTest, ACallOfAPeerWithATimeThatNobodyHasIsAnswered) {
  for (const auto remaining : {milliseconds::min(), milliseconds::max()}) {
    const auto actions =
        net["a"].running->received(net["b"].self.id, call_message{77, remaining, barrier_call{}}, net.now);
    EXPECT_FALSE(actions.empty()) << remaining.count();
  }
}

TEST_F(StoreNodeTest, ABarrierIsAtOrPastEveryAcknowledgedCommit) {
  const auto before = std::get<committed>(net.answer("b", put("hello", "1")));

  const auto answer = net.answer("c", barrier_call{});

  EXPECT_GE(std::get<reached>(answer).at, before.cursor);
}

TEST_F(StoreNodeTest, ACopyThatMissedMoreThanTheLogHoldsLoadsTheWholeStore) {
  net.kill("a");
  net.limits.log_commits = 3;
  net.start("a");
  net.settle();
  net.kill("c");
  net.pass(100ms);
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(done(net.answer("b", put("f" + std::to_string(i), "1"))));

  net.start("c");
  net.settle();

  EXPECT_TRUE(net.level());
  EXPECT_NE(net.events("c").find("loaded"), std::string::npos);
  // and a restart from that disk goes on with the rows
  net.kill("c");
  net.start("c");
  EXPECT_TRUE(done(net.answer("c", put("after", "1"))));
  EXPECT_TRUE(net.level());
}

TEST_F(StoreNodeTest, ASessionThatIsNotRenewedEndsWithEverythingBoundToIt) {
  const auto session = open("b", 2s);
  ASSERT_NE(epoch(net.answer("b", claim(session, "slot/f/1"))), 0u);
  ASSERT_TRUE(done(net.answer("c", commit_call{{{}, {{"function/bound", "1", false, session}}, make_fast_uuid()}})));

  net.pass(1900ms);
  EXPECT_NE(net.contents("a"), "");
  net.pass(300ms);

  EXPECT_EQ(net.contents("a"), "");
  EXPECT_EQ(net["a"].running->records().find("owner/slot/f/1"), nullptr);
  EXPECT_EQ(net["c"].running->records().find_all("live/").size(), 0u);
  EXPECT_EQ(net["b"].ended_sessions, std::vector{session});
  const auto late = net.answer("b", renew("b", session));
  EXPECT_TRUE(std::holds_alternative<no_session>(late));
}

TEST_F(StoreNodeTest, ARenewedSessionLastsAndALateTickGivesEverySessionItsFullTime) {
  const auto session = open("b", 2s);
  for (int i = 0; i < 6; ++i) {
    net.pass(1s);
    ASSERT_TRUE(std::holds_alternative<session_granted>(net.answer("b", renew("b", session))));
  }

  net.now.boot += 30s;
  net.pass(1900ms);
  EXPECT_EQ(net["a"].running->status(net.now).sessions, 1u);
  net.pass(300ms);
  EXPECT_EQ(net["a"].running->status(net.now).sessions, 0u);
}

TEST_F(StoreNodeTest, ANewerIncarnationEndsTheSessionOfTheOlderUnlessThatStillAnswers) {
  const auto older = open("b");
  const auto old_renewal = renew("b", older);
  net.kill("b");
  net.start("b");
  net.settle();

  net.older_answers = true;
  const auto refused_open = net.answer("b", open_session("b", make_fast_uuid()));
  ASSERT_TRUE(std::holds_alternative<incarnation_alive>(refused_open));
  EXPECT_EQ(std::get<incarnation_alive>(refused_open).address, "b:7000");

  net.older_answers = false;
  open("b");
  const auto renewal = net.answer("c", old_renewal);
  ASSERT_TRUE(std::holds_alternative<no_session>(renewal));
  EXPECT_EQ(std::get<no_session>(renewal).why, session_end::superseded);
}

TEST_F(StoreNodeTest, AResourceHasOneOwnerAndEpochsRise) {
  const auto of_b = open("b");
  const auto of_c = open("c");
  const auto first = epoch(net.answer("b", claim(of_b, "r")));
  ASSERT_NE(first, 0u);
  EXPECT_EQ(first >> 40, 1u);

  const auto other = net.answer("c", claim(of_c, "r"));
  ASSERT_TRUE(std::holds_alternative<held>(other));
  EXPECT_EQ(std::get<held>(other).owner, net["b"].self.id);
  EXPECT_EQ(std::get<held>(other).epoch, first);
  EXPECT_EQ(epoch(net.answer("b", claim(of_b, "r"))), first);

  const auto handed = epoch(net.answer("b", transfer_call{"r", first, of_c, {}, {}, make_fast_uuid()}));
  EXPECT_GT(handed, first);
  EXPECT_TRUE(std::holds_alternative<held>(net.answer("b", release_call{"r", first, make_fast_uuid()})));
  EXPECT_TRUE(done(net.answer("c", release_call{"r", handed, make_fast_uuid()})));
  EXPECT_GT(epoch(net.answer("b", claim(of_b, "r"))), handed);
}

TEST_F(StoreNodeTest, AGuardByEpochHoldsForTheOwnerOnly) {
  const auto session = open("b");
  const auto epoch_now = epoch(net.answer("b", claim(session, "r")));

  const auto guarded = [&](std::uint64_t value) {
    return net.answer("b", commit_call{{{{"r", 0, value}}, {{"function/x", "1", false}}, make_fast_uuid()}});
  };

  EXPECT_TRUE(done(guarded(epoch_now)));
  EXPECT_TRUE(std::holds_alternative<conflicted>(guarded(epoch_now + 1)));
}

TEST_F(StoreNodeTest, AFullDiskRefusesCommitsWithTheReasonAndReadsGoOn) {
  ASSERT_TRUE(done(net.answer("b", put("hello", "1"))));
  net["a"].disk_fails = persist_failure::full;

  const auto answer = net.answer("b", put("other", "1"));
  EXPECT_EQ(code(answer), errc::full) << why(answer);
  EXPECT_TRUE(std::holds_alternative<reached>(net.answer("c", barrier_call{})));
  EXPECT_EQ(net.contents("b").substr(0, 8), "hello=1@");

  net["a"].disk_fails.reset();
  EXPECT_TRUE(done(net.answer("b", put("other", "1"))));
}

TEST_F(StoreNodeTest, WhoCannotReachThePrimarySaysWhatCameOfTrying) {
  net.kill("a");
  net["b"].running->link_failed(net["a"].self.id, "it speaks another protocol");
  net["b"].running->link_failed(net["c"].self.id, "another node's reason");
  net.pass(2s);

  const auto away = net.answer("b", put("hello", "1"));

  EXPECT_EQ(code(away), errc::unavailable);
  EXPECT_NE(why(away).find(": it speaks another protocol"), std::string::npos) << why(away);
  net.start("a");
  net.settle();
  net.kill("a");
  net.pass(2s);
  const auto again = net.answer("b", put("hello", "1"));
  EXPECT_EQ(why(again).find("protocol"), std::string::npos) << why(again);
}

TEST_F(StoreNodeTest, AWriteOfUnknownFateIsAnsweredUnknownAndStopsThePrimary) {
  net["a"].disk_fails = persist_failure::unknown;

  EXPECT_EQ(code(net.answer("b", put("hello", "1"))), errc::unknown_outcome);
  net["a"].disk_fails.reset();
  const auto after = net.answer("b", put("other", "1"));

  EXPECT_EQ(code(after), errc::unavailable);
  EXPECT_NE(why(after).find("restarted"), std::string::npos) << why(after);
}

TEST_F(StoreNodeTest, SpreadNamesTheCopiesThatAreNotThereYet) {
  net["c"].disk_stalled = true;
  const auto at = std::get<committed>(net.answer("b", put("hello", "1"))).cursor;
  const auto number = net.ask("b", spread_call{at});
  net.settle();
  EXPECT_EQ(net.answered("b", number), nullptr);

  net.pass(1200ms);

  ASSERT_NE(net.answered("b", number), nullptr);
  EXPECT_EQ(std::get<spread>(*net.answered("b", number)).laggards, std::vector<std::string>{"c"});
  net["c"].disk_stalled = false;
  net.settle();
  EXPECT_TRUE(std::get<spread>(net.answer("b", spread_call{at})).laggards.empty());
}

TEST_F(StoreNodeTest, SpreadNamesAMemberThatIsNotInContactWithoutWaitingForIt) {
  open("c", 2s);
  const auto at = std::get<committed>(net.answer("b", put("hello", "1"))).cursor;
  EXPECT_TRUE(std::get<spread>(net.answer("b", spread_call{at})).laggards.empty());
  net.kill("c");

  const auto number = net.ask("b", spread_call{at});
  net.settle();

  ASSERT_NE(net.answered("b", number), nullptr);
  EXPECT_EQ(std::get<spread>(*net.answered("b", number)).laggards, std::vector<std::string>{"c"});
  net.pass(2200ms);
  EXPECT_TRUE(std::get<spread>(net.answer("b", spread_call{at})).laggards.empty()) << "it is no member any more";
}

TEST_F(StoreNodeTest, ANodeIsRemovedOnlyWhenItIsNotLive) {
  open("c", 2s);
  EXPECT_EQ(code(net.answer("b", remove_node_call{net["c"].self.id, make_fast_uuid()})), errc::refused);
  EXPECT_EQ(code(net.answer("b", remove_node_call{net["a"].self.id, make_fast_uuid()})), errc::refused);
  net.kill("c");
  net.pass(2200ms);

  EXPECT_TRUE(done(net.answer("b", remove_node_call{net["c"].self.id, make_fast_uuid()})));
  EXPECT_EQ(net["a"].running->status(net.now).copies.size(), 1u);
  EXPECT_NE(net.events("b").find("c was removed"), std::string::npos);
}
