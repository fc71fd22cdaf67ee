// What becomes of calls: answered, refused, cancelled, too late, too large, too many.
#include <random>

#include "tests/cluster/link_pair.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

TEST_F(LinkStateTest, ACallArrivesWithAllThatItCarriesAndIsAnswered) {
  open();
  const auto id = here.call(link_topic::store, buffer{"head"}, buffer{"body"}, now + 1'500ms, now);
  settle();

  auto call = called();
  EXPECT_EQ(call.topic, link_topic::store);
  EXPECT_EQ(call.head.view(), "head");
  EXPECT_EQ(call.body.view(), "body");
  EXPECT_EQ(call.deadline, now + 1'500ms);
  EXPECT_EQ(there.peer_calls(), 1u);

  there.answer(call.call, buffer{"answer head"}, buffer{"answer body"});
  settle();

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "answered ");
  EXPECT_EQ(seen[0].call, *id);
  EXPECT_EQ(seen[0].head.view(), "answer head");
  EXPECT_EQ(seen[0].body.view(), "answer body");
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);
}

TEST_F(LinkStateTest, TheRemainingTimeIsThatAtWhichTheCallLeaves) {
  open();
  call("late", 1'000ms);
  now += 600ms;
  settle();
  EXPECT_EQ(called().deadline, now + 400ms);
}

TEST_F(LinkStateTest, BothSidesMayCallAtTheSameTime) {
  open();
  const auto mine = call("from here");
  const auto theirs = there.call(link_topic::control, buffer{"head"}, buffer{"from there"}, now + 1s, now);
  settle();

  auto at_there = called();
  auto at_here = events(here);
  ASSERT_EQ(kinds(at_here), "called ");
  EXPECT_EQ(at_here[0].body.view(), "from there");
  there.answer(at_there.call, {}, buffer{"1"});
  here.answer(at_here[0].call, {}, buffer{"2"});
  settle();

  const auto back_here = events(here);
  const auto back_there = events(there);
  ASSERT_EQ(kinds(back_here) + kinds(back_there), "answered answered ");
  EXPECT_EQ(back_here[0].call, mine);
  EXPECT_EQ(back_there[0].call, *theirs);
  EXPECT_EQ(back_there[0].body.view(), "2");
}

TEST_F(LinkStateTest, HowTheStreamIsCutNeverMatters) {
  const std::string body(40'000, 'b');
  for (const std::size_t piece : {1, 2, 3, 5, 7, 64, 1'000, 16'383, 16'384, 65'536}) {
    open();
    call(body);
    call("");
    settle(piece);
    auto calls = events(there);
    ASSERT_EQ(kinds(calls), "called called ") << piece;
    for (auto& each : calls)
      there.answer(each.call, buffer{each.body.view().substr(0, 10)}, std::move(each.body));
    settle(piece);
    const auto answers = events(here);
    ASSERT_EQ(kinds(answers), "answered answered ") << piece;
    EXPECT_EQ(answers[0].body.size() + answers[1].body.size(), body.size());
  }
}

TEST_F(LinkStateTest, ASmallCallNeedsOneFrameEachWay) {
  open();
  call(std::string(10'000, 'b'));
  EXPECT_LT(pull(here).size(), 10'000u + 64 + 8);
  EXPECT_FALSE(here.has_output());
}

TEST_F(LinkStateTest, ARefusedCallDidNotRunAndAFailedOneMayHave) {
  open();
  call();
  call();
  settle();
  const auto calls = events(there);
  ASSERT_EQ(kinds(calls), "called called ");

  there.refuse(calls[0].call, errc::overloaded, "queue full");
  there.fail(calls[1].call, errc::unknown_outcome, "dropped");
  there.answer(calls[0].call, {}, {});  // settled: passed over
  settle();

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run lost ");
  EXPECT_EQ(seen[0].code, errc::overloaded);
  EXPECT_EQ(seen[0].text, "queue full");
  EXPECT_EQ(seen[1].code, errc::unknown_outcome);
}

TEST_F(LinkStateTest, CallsBeforeTheHelloAndWithoutTimeAreRefusedAtOnce) {
  EXPECT_EQ(here.call(link_topic::invoke, {}, {}, now + 1s, now).error().code, errc::link_down);
  open();
  EXPECT_EQ(here.call(link_topic::invoke, {}, {}, now, now).error().code, errc::budget_spent);
}

TEST_F(LinkStateTest, ACallWhoseTimeIsOverBeforeItsTurnNeverLeaves) {
  open();
  call("", 50ms);
  now += 50ms;
  EXPECT_EQ(pull(here), "");

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run ");
  EXPECT_EQ(seen[0].code, errc::budget_spent);
  EXPECT_EQ(here.own_calls(), 0u);
}

TEST_F(LinkStateTest, ACallWithoutAnAnswerIsLostAtItsDeadlineAndTheOtherSideHears) {
  open();
  call("", 1'000ms);
  settle();
  const auto running = called();
  now += 999ms;
  here.on_tick(now);
  EXPECT_EQ(kinds(events(here)), "");

  now += 1ms;
  here.on_tick(now);

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "lost ");
  EXPECT_EQ(seen[0].code, errc::budget_spent);
  settle();
  EXPECT_EQ(kinds(events(there)), "abandoned ");
  there.answer(running.call, {}, buffer{"too late"});
  settle();
  EXPECT_EQ(kinds(events(here)), "");
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);
}

TEST_F(LinkStateTest, ACallThatHasNotLeftWholeAtItsDeadlineDidNotRun) {
  open();
  call(std::string(1'000'000, 'b'), 1'000ms);
  deliver(pull(here, 100'000), there);
  now += 1s;
  here.on_tick(now);

  ASSERT_EQ(kinds(events(here)), "not_run ");
  settle();
  EXPECT_EQ(kinds(events(there)), "");
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);
}

TEST_F(LinkStateTest, CancelTellsTheOtherSideAndGivesThePlaceBack) {
  open();
  const auto waiting = call();
  here.cancel(waiting);
  EXPECT_EQ(pull(here), "") << "a call that has not left needs no cancel";

  const auto running = call();
  settle();
  called();
  here.cancel(running);
  here.cancel(running);
  EXPECT_FALSE(here.owns(running));
  settle();

  EXPECT_EQ(kinds(events(there)), "abandoned ");
  EXPECT_EQ(kinds(events(here)), "");
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);
}

TEST_F(LinkStateTest, CancelInTheMiddleOfBodiesLeavesTheLinkInOrder) {
  std::mt19937 random{7};
  open();
  for (int round = 0; round < 300; ++round) {
    const auto id = call(std::string(random() % 600'000, 'b'));
    deliver(pull(here, random() % 400'000), there);
    deliver(pull(there), here);
    if (random() % 2 == 0)
      here.cancel(id);
    for (const auto& event : events(there))
      if (event.kind == link_event_kind::called)
        there.answer(event.call, {}, buffer{std::string(random() % 600'000, 'a')});
    deliver(pull(there, random() % 400'000), here);
    if (random() % 2 == 0)
      here.cancel(id);
  }
  settle();
  for (const auto& event : events(there))
    if (event.kind == link_event_kind::called)
      there.answer(event.call, {}, {});
  settle();
  EXPECT_TRUE(here.open() && there.open());
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);

  events(here);
  events(there);
  call(std::string(5'000'000, 'x'));  // more than the credit of the link: none of it was lost
  settle();
  EXPECT_EQ(called().body.size(), 5'000'000u);
}

TEST_F(LinkStateTest, CallsOverTheLimitsAreRefusedWithoutMemory) {
  open({.max_calls = 2, .max_body_bytes = 1'000, .max_waiting_bytes = 1'500});
  EXPECT_EQ(here.call(link_topic::invoke, {}, buffer{std::string(1'001, 'b')}, now + 1s, now).error().code,
            errc::payload_too_large);
  EXPECT_EQ(
      here.call(link_topic::invoke, buffer{std::string(max_link_head_bytes + 1, 'h')}, {}, now + 1s, now).error().code,
      errc::payload_too_large);
  call(std::string(1'000, 'b'));
  EXPECT_EQ(here.call(link_topic::invoke, {}, buffer{std::string(501, 'b')}, now + 1s, now).error().code,
            errc::overloaded);
  call();
  EXPECT_EQ(here.call(link_topic::invoke, {}, {}, now + 1s, now).error().code, errc::overloaded);
}

TEST_F(LinkStateTest, TheReceiverRefusesWhatItsOwnLimitsForbid) {
  open();
  there = link_state{hello_of("there"), hello_of("here"), {.max_calls = 1, .max_body_bytes = 50'000}, now};
  pull(there);
  call(std::string(300'000, 'b'));
  call();
  call();
  settle();

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run not_run ");
  EXPECT_EQ(seen[0].code, errc::payload_too_large);
  EXPECT_EQ(seen[1].code, errc::overloaded);
  there.answer(called().call, {}, buffer{std::string(60'000, 'a')});
  settle();
  EXPECT_EQ(events(here)[0].code, errc::answer_too_large);
}

TEST_F(LinkStateTest, BodiesThatAreNotWholeYetAreBoundedTogether) {
  open({.max_arriving_bytes = 1'000'000});
  call(std::string(800'000, 'b'));
  call(std::string(300'000, 'b'));
  settle();

  EXPECT_EQ(called().body.size(), 800'000u);
  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run ");
  EXPECT_EQ(seen[0].code, errc::overloaded);
}

TEST_F(LinkStateTest, AnAnswerLargerThanTheCallerTakesIsLostAndTheLinkGoesOn) {
  open();
  here = link_state{hello_of("here"), {.max_body_bytes = 1'000}, now};
  there = link_state{hello_of("there"), hello_of("here"), {}, now};
  pull(here);
  settle();
  events(here);
  call();
  settle();
  there.answer(called().call, {}, buffer{std::string(900'000, 'a')});
  settle();

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "lost ");
  EXPECT_EQ(seen[0].code, errc::answer_too_large);
  EXPECT_EQ(here.own_calls() + there.peer_calls(), 0u);
  call();
  settle();
  called();
}
