// The link itself: hello, turns and credit, pings, sleep, draining, breaking, peers that break the protocol.
#include "tests/cluster/link_pair.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

/// Kinds of the frames in these bytes, in order.
std::vector<link_kind> frames_in(std::string_view bytes) {
  link_frame_reader reader;
  reader.feed(bytes);
  std::vector<link_kind> out;
  while (auto frame = *reader.next())
    out.push_back(frame->kind);
  return out;
}

}  // namespace

TEST_F(LinkStateTest, ARefusedHelloEndsTheLinkWithTheReason) {
  buffer refusal;
  append_refuse_hello(refusal, "another cluster");
  here.on_bytes(refusal.view(), now);

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "closed ");
  EXPECT_EQ(seen[0].code, errc::refused);
  EXPECT_EQ(seen[0].text, "another cluster");
}

TEST_F(LinkStateTest, AHelloOfAnotherVersionEndsTheLinkNamingBoth) {
  auto newer = hello_of("newer");
  newer.min_version = 4;
  newer.max_version = 6;
  buffer bytes;
  append_hello(bytes, newer);
  here.on_bytes(bytes.view(), now);

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "closed ");
  EXPECT_EQ(seen[0].code, errc::protocol);
  EXPECT_NE(seen[0].text.find("1 to 1"), std::string::npos);
  EXPECT_NE(seen[0].text.find("4 to 6"), std::string::npos);
}

TEST_F(LinkStateTest, BodiesTakeTurnsSoThatASmallCallNeverWaitsForALargeOne) {
  open();
  call(std::string(3'000'000, 'l'));
  pull(here, 50'000);
  call("small");

  deliver(pull(here, 100'000), there);

  EXPECT_EQ(called().body.view(), "small");
}

TEST_F(LinkStateTest, ABodyStopsAtTheCreditOfItsCallAndGoesOnWithMore) {
  open();
  call(std::string(1'000'000, 'b'));
  std::string sent;
  for (auto more = pull(here); !more.empty(); more = pull(here))
    sent += more;
  EXPECT_GT(sent.size(), 256u * 1024);
  EXPECT_LT(sent.size(), 260u * 1024);

  deliver(sent, there);
  EXPECT_FALSE(here.has_output());
  deliver(pull(there), here);
  EXPECT_TRUE(here.has_output());
  settle();
  EXPECT_EQ(called().body.size(), 1'000'000u);
}

TEST_F(LinkStateTest, AllBodiesTogetherStopAtTheCreditOfTheLink) {
  open();
  for (int i = 0; i < 30; ++i)
    call(std::string(250'000, 'b'));
  std::string sent;
  for (auto more = pull(here); !more.empty(); more = pull(here))
    sent += more;
  EXPECT_GT(sent.size(), 4u * 1024 * 1024);
  EXPECT_LT(sent.size(), 4u * 1024 * 1024 + 64 * 1024);
  const auto bodiless = call("");
  EXPECT_GT(pull(here).size(), 0u) << "a call without a body needs no credit";
  here.cancel(bodiless);

  deliver(sent, there);
  settle();
  EXPECT_EQ(events(there).size(), 30u);
  EXPECT_TRUE(here.open() && there.open());
}

TEST_F(LinkStateTest, PingsAndRefusalsOvertakeBodies) {
  open();
  for (int i = 0; i < 5; ++i)
    call(std::string(200'000, 'b'));
  const auto cancelled = call("x");
  deliver(pull(here, 20'000), there);
  now += 300ms;
  here.on_tick(now);
  here.cancel(cancelled);

  EXPECT_EQ(frames_in(pull(here, 1)), std::vector{link_kind::ping});
}

TEST_F(LinkStateTest, TheDialerPingsAQuietLinkAndKnowsTheRoundTrip) {
  open();
  now += 100ms;
  here.on_tick(now);
  const auto first = pull(here);
  EXPECT_EQ(frames_in(first), std::vector{link_kind::ping});
  here.on_tick(now + 100ms);
  EXPECT_FALSE(here.has_output());

  deliver(first, there);
  now += 3ms;
  deliver(pull(there), here);

  EXPECT_EQ(here.round_trip(), 3ms);
  EXPECT_EQ(here.last_heard(), now);
  here.on_tick(now + 250ms);
  EXPECT_TRUE(here.has_output());
}

TEST_F(LinkStateTest, TheSideThatAcceptedPingsOnlyWhenItMissesTheOthersPings) {
  open();
  now += 400ms;
  there.on_tick(now);
  EXPECT_FALSE(there.has_output());
  now += 100ms;
  there.on_tick(now);
  EXPECT_TRUE(there.has_output());
}

TEST_F(LinkStateTest, TheSideThatAcceptedIsHeardAlsoWhileABodyComesSlowly) {
  open();
  call(std::string(60'000, 'b'));
  const auto slow = pull(here);
  for (std::size_t sent = 0; sent < 20'000; sent += 4'000) {
    EXPECT_FALSE(there.has_output());
    now += 100ms;
    there.on_bytes(slow.substr(sent, 4'000), now);
    there.on_tick(now);
  }

  EXPECT_EQ(frames_in(pull(there)), std::vector{link_kind::ping}) << "the dialer's pings wait behind the body";
  there.on_tick(now += 100ms);
  EXPECT_FALSE(there.has_output());
}

TEST_F(LinkStateTest, AfterASleepCallsAreStaleUntilAPingHasGoneRoundOnce) {
  open();
  call("sent while the other slept");
  const auto early = pull(here);
  there.on_slept(now);
  EXPECT_TRUE(there.stale());
  deliver(early, there);
  const auto ping_and_refusal = pull(there);
  call("sent before the other's ping came");
  deliver(pull(here), there);
  deliver(ping_and_refusal, here);
  deliver(pull(there), here);

  auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run not_run ");
  EXPECT_EQ(seen[0].code, errc::stale);
  EXPECT_EQ(seen[1].code, errc::stale);
  settle();
  EXPECT_FALSE(there.stale());
  EXPECT_EQ(kinds(events(there)), "");
  call("fresh");
  settle();
  EXPECT_EQ(called().body.view(), "fresh");
}

TEST_F(LinkStateTest, ASilentLinkTakesNoCallsUntilSomethingComes) {
  open();
  now += 999ms;
  EXPECT_TRUE(here.takes_calls(now));
  now += 1ms;
  EXPECT_FALSE(here.takes_calls(now));

  here.on_tick(now);
  settle();

  EXPECT_TRUE(here.takes_calls(now));
}

TEST_F(LinkStateTest, ASleepIsNoSignOfLifeButSilenceCountsFromItsEnd) {
  open();
  const auto heard = here.last_heard();
  now += 10s;
  here.on_slept(now);

  EXPECT_EQ(here.last_heard(), heard);
  EXPECT_EQ(here.silence(now), 0s);
  EXPECT_EQ(here.silence(now + 300ms), 300ms);
}

TEST_F(LinkStateTest, ACallThatWasArrivingDuringTheSleepIsStaleToo) {
  open();
  call(std::string(100'000, 'b'));
  deliver(pull(here, 30'000), there);
  there.on_slept(now);
  settle();

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run ");
  EXPECT_EQ(seen[0].code, errc::stale);
  EXPECT_EQ(kinds(events(there)), "");
  EXPECT_TRUE(here.open() && there.open());
}

TEST_F(LinkStateTest, AnOldPongDoesNotEndStaleness) {
  open();
  there.on_tick(now += 1s);  // pings
  deliver(pull(there), here);
  const auto old_pong = pull(here);
  there.on_slept(now);
  deliver(old_pong, there);
  EXPECT_TRUE(there.stale());
}

TEST_F(LinkStateTest, AfterGoodbyeNewCallsAreRefusedAndRunningOnesAnswered) {
  open();
  call("runs");
  settle();
  const auto running = called();
  there.drain();
  const auto goodbye = pull(there);
  call("crosses the goodbye");
  settle();
  deliver(goodbye, here);

  auto seen = events(here);
  ASSERT_EQ(kinds(seen), "not_run draining ");
  EXPECT_EQ(seen[0].code, errc::draining);
  EXPECT_FALSE(here.takes_calls(now));
  EXPECT_EQ(here.call(link_topic::invoke, {}, {}, now + 1s, now).error().code, errc::draining);
  there.answer(running.call, {}, {});
  settle();
  EXPECT_EQ(kinds(events(here)), "answered ");
}

TEST_F(LinkStateTest, WhenTheLinkBreaksOnlyWhatHadLeftWholeMayHaveRun) {
  open();
  const auto left = call("left");
  buffer first;
  here.pull(first, 1, now);
  const auto partly = call("partly");
  buffer second;
  here.pull(second, 1, now);
  here.on_written(first.size() + second.size() - 1);
  const auto never = call("never");
  here.on_closed("reset");

  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "lost not_run not_run closed ");
  EXPECT_EQ(seen[0].call, left);
  EXPECT_EQ(seen[0].code, errc::link_lost);
  EXPECT_EQ(seen[1].call, partly);
  EXPECT_EQ(seen[1].code, errc::link_down);
  EXPECT_EQ(seen[2].call, never);
  EXPECT_EQ(seen[3].text, "reset");
}

TEST_F(LinkStateTest, WhenTheLinkBreaksNobodyWaitsForThePeersCalls) {
  open();
  call();
  call(std::string(900'000, 'b'));
  deliver(pull(here, 200'000), there);
  const auto running = called();
  there.on_closed("gone");

  EXPECT_EQ(kinds(events(there)), "abandoned closed ");
  there.answer(running.call, {}, {});
  there.refuse(running.call, errc::bug, {});
  EXPECT_FALSE(there.has_output());
  EXPECT_EQ(there.peer_calls(), 0u);
}

namespace {

struct breach {
  const char* name;
  void (*write)(buffer& out);
};

class LinkBreachTest : public LinkStateTest, public ::testing::WithParamInterface<breach> {};

constexpr std::uint64_t their_id = 1 << 13 | 1;  // the first call of the side that dialed

const breach breaches[] = {
    {"SecondHello", [](buffer& out) { append_hello(out, hello_of("again")); }},
    {"LateRefusal", [](buffer& out) { append_refuse_hello(out, "too late"); }},
    {"PongForNoPing", [](buffer& out) { append_pong(out, 9, 1); }},
    {"AnswerToItsOwnCall", [](buffer& out) { append_answer(out, their_id, {}, 0, {}); }},
    {"SettledItsOwnCall", [](buffer& out) { append_not_run(out, their_id, errc::bug, {}); }},
    {"CallWithOurNumber", [](buffer& out) { append_call(out, 1 << 13, link_topic::invoke, 1, {}, 0, {}); }},
    {"CallWithoutSequence", [](buffer& out) { append_call(out, 3, link_topic::invoke, 1, {}, 0, {}); }},
    {"CallWithMoreThanItsTotal", [](buffer& out) { append_call(out, their_id, link_topic::invoke, 1, {}, 1, "ab"); }},
    {"SamePlaceTwice",
     [](buffer& out) {
       append_call(out, their_id, link_topic::invoke, 1, {}, 5, {});
       append_call(out, their_id + (1 << 13), link_topic::invoke, 1, {}, 5, {});
     }},
    {"DataBehindTheEnd",
     [](buffer& out) {
       append_call(out, their_id, link_topic::invoke, 1, {}, 1, "a");
       append_data(out, their_id, "b", true);
     }},
    {"DataThatEndsEarly",
     [](buffer& out) {
       append_call(out, their_id, link_topic::invoke, 1, {}, 9, "a");
       append_data(out, their_id, "b", true);
     }},
    {"DataBeyondTheCredit",
     [](buffer& out) {
       append_call(out, their_id, link_topic::invoke, 1, {}, 9'000, {});
       append_data(out, their_id, std::string(2'000, 'b'), false);
     }},
    {"DataBeyondTheCreditOfTheLink", [](buffer& out) { append_data(out, their_id, std::string(60'000, 'b'), false); }},
    {"CreditForNothing", [](buffer& out) { append_credit(out, 0, 1); }},
    {"NoFrame", [](buffer& out) { out.append("HTTP/1.1 400 Bad Request\r\n"); }},
    {"PingsThatNobodyAnswers",
     [](buffer& out) {
       for (int i = 0; i < 300'000; ++i)
         append_ping(out, 1'000'000, 1'000'000'000);
     }},
};

}  // namespace

TEST_P(LinkBreachTest, EndsTheLinkWithOneLine) {
  open({.call_credit = 1'000, .link_credit = 50'000});
  buffer bytes;
  GetParam().write(bytes);
  deliver(bytes.view(), there);

  const auto seen = events(there);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().kind, link_event_kind::closed);
  EXPECT_EQ(seen.back().code, errc::protocol);
  EXPECT_FALSE(seen.back().text.empty());
  EXPECT_EQ(seen.back().text.find('\n'), std::string::npos);
  EXPECT_FALSE(there.open());
}

INSTANTIATE_TEST_SUITE_P(Breaches, LinkBreachTest, ::testing::ValuesIn(breaches),
                         [](const auto& each) { return std::string{each.param.name}; });

TEST_F(LinkStateTest, ASpeakerBeforeItsHelloEndsTheLink) {
  buffer bytes;
  append_ping(bytes, 1, 1);
  here.on_bytes(bytes.view(), now);
  const auto seen = events(here);
  ASSERT_EQ(kinds(seen), "closed ");
  EXPECT_EQ(seen[0].code, errc::protocol);
}
