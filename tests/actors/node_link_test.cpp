#include "actors/node_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>

#include "actors/socket_address.hpp"
#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using cluster::link_topic;

using NodeLinkTest = LinkTest;

TEST_F(NodeLinkTest, AnswersManyCallsInFlightEachWithItsOwn) {
  auto& link = connect();
  constexpr int count = 4'000;
  std::atomic<int> right = 0;
  std::promise<void> all;
  int ended = 0;
  on(here, [&] {
    for (int i = 0; i < count; ++i) {
      const auto text = std::to_string(i);
      const auto made = link.call(link_topic::invoke, buffer{"head " + text}, buffer{text}, here.now() + patience,
                                  [&, text](call_result result) {
                                    const auto* answer = std::get_if<call_answered>(&result);
                                    right += answer != nullptr && answer->head.view() == "head " + text &&
                                             answer->body.view() == text;
                                    if (++ended == count)
                                      all.set_value();
                                  });
      ASSERT_TRUE(made) << made.error().what;
    }
    EXPECT_EQ(link.calls(), std::size_t{count});
  });

  ASSERT_EQ(all.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(right, count);
  on(here, [&] { EXPECT_EQ(link.calls(), 0u); });
}

TEST_F(NodeLinkTest, BodiesOfMegabytesComeBackWhole) {
  auto& link = connect();
  for (const std::size_t size : {1'000'000, 1'000'000, 1'000'000, 5'000'000, 20'000'000}) {
    std::string body(size, 'b');
    for (std::size_t i = 0; i < size; i += 997)
      body[i] = static_cast<char>('a' + i % 26);
    call(link, link_topic::invoke, body.substr(0, 100), body);
    auto result = results.take();
    ASSERT_TRUE(std::holds_alternative<call_answered>(result));
    EXPECT_EQ(std::get<call_answered>(result).body.view(), body);
  }
}

TEST_F(NodeLinkTest, SmallCallsPassLargeOnes) {
  auto& link = connect();
  std::promise<std::size_t> first;
  on(here, [&] {
    bool told = false;
    const auto note = [&, told](call_result result) mutable {
      const auto size = std::get<call_answered>(result).body.size();
      if (!std::exchange(told, true) && size < 100)
        first.set_value(size);
      results.put(std::move(result));
    };
    for (int i = 0; i < 4; ++i)
      EXPECT_TRUE(link.call(link_topic::invoke, {}, buffer{std::string(4'000'000, 'b')}, here.now() + patience,
                            [this](call_result result) { results.put(std::move(result)); }));
    EXPECT_TRUE(link.call(link_topic::invoke, {}, buffer{"small"}, here.now() + patience, note));
  });

  ASSERT_EQ(first.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_LE(results.size(), 2u) << "large answers that came before the small one";
  for (int i = 0; i < 5; ++i)
    results.take();
}

TEST_F(NodeLinkTest, WhoDialsNobodyIsToldSoAndCallsAreRefusedAtOnce) {
  start_peer();
  stop_peer();
  auto& link = dial(config());

  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::refused);
  on(here, [&] {
    const auto made = link.call(link_topic::invoke, {}, {}, here.now() + 1s, [](call_result) { FAIL(); });
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::link_down);
  });

  start_peer();
  wait_for(link_phase::up);
}

TEST_F(NodeLinkTest, APokeDialsAtOnce) {
  start_peer();
  stop_peer();
  auto patient = config();
  patient.dialing.first_back_off = patient.dialing.longest_back_off = 1h;
  auto& link = dial(patient);
  wait_for(link_phase::broken);

  start_peer();
  on(here, [&] { link.poke(); });
  wait_for(link_phase::up);
}

TEST_F(NodeLinkTest, WhenThePeerClosesRunningCallsAreLostAndTheLinkComesBack) {
  auto& link = connect();
  call(link, link_topic::store, "", "runs");
  const auto running = held.calls.take();
  on(there, [this] { server->close(); });

  auto result = results.take();
  ASSERT_TRUE(std::holds_alternative<call_lost>(result));
  EXPECT_EQ(std::get<call_lost>(result).code, errc::link_lost);
  on(there, [&] {
    EXPECT_TRUE(running->abandoned());
    running->answer({}, {});  // harmless
  });
  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::closed);
  wait_for(link_phase::up);
  call(link, link_topic::invoke, "", "again");
  EXPECT_TRUE(std::holds_alternative<call_answered>(results.take()));
}

TEST_F(NodeLinkTest, StopEndsEveryCallOnceAndMayBeCalledByACallback) {
  auto& link = connect();
  on(here, [&] {
    for (int i = 0; i < 10; ++i)
      EXPECT_TRUE(link.call(link_topic::store, {}, {}, here.now() + patience, [&](call_result result) {
        link.stop();
        EXPECT_FALSE(link.call(link_topic::invoke, {}, {}, here.now() + 1s, [](call_result) { FAIL(); }));
        results.put(std::move(result));
      }));
    link.stop();
  });
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(std::holds_alternative<call_not_run>(results.take())) << "nothing of them had left";
  EXPECT_EQ(results.size(), 0u);
  on(here, [&] { link.start(); });
  wait_for(link_phase::up);
}

TEST_F(NodeLinkTest, CallbacksMayMakeAndCancelCalls) {
  auto& link = connect();
  std::promise<void> done;
  int left = 200;
  std::uint64_t victim = 0;
  std::function<void(call_result)> next = [&](call_result) {
    // The victim was sent in the same batch: its answer may wait for its turn already.
    link.cancel(victim);
    if (--left == 0)
      return done.set_value();
    EXPECT_TRUE(link.call(link_topic::invoke, {}, buffer{"next"}, here.now() + patience, next));
    victim = *link.call(link_topic::invoke, {}, {}, here.now() + patience, [](call_result) { FAIL(); });
  };
  on(here, [&] { next(call_not_run{}); });
  ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
}

TEST_F(NodeLinkTest, CancelAndDeadlineReachTheService) {
  auto& link = connect();
  const auto id = call(link, link_topic::store, "", "cancelled");
  const auto cancelled = held.calls.take();
  mailbox<int> notices;
  on(there, [&] { cancelled->when_abandoned([&] { notices.put(1); }); });
  on(here, [&] { link.cancel(id); });
  EXPECT_EQ(notices.take(), 1);

  call(link, link_topic::store, "", "late", 150ms);
  const auto late = held.calls.take();
  on(there, [&] { late->when_abandoned([&] { notices.put(2); }); });
  EXPECT_EQ(notices.take(), 2);
  auto result = results.take();
  ASSERT_TRUE(std::holds_alternative<call_lost>(result));
  EXPECT_EQ(std::get<call_lost>(result).code, errc::budget_spent);
  EXPECT_EQ(results.size(), 0u) << "a cancelled call has no result";
}

TEST_F(NodeLinkTest, AServiceRefusesFailsOrForgetsACall) {
  auto& link = connect();
  call(link, link_topic::store, "", "");
  auto call_one = held.calls.take();
  on(there, [&] { call_one->refuse(errc::overloaded, "queue full"); });
  auto refused = results.take();
  ASSERT_TRUE(std::holds_alternative<call_not_run>(refused));
  EXPECT_EQ(std::get<call_not_run>(refused).detail, "queue full");

  call(link, link_topic::store, "", "");
  auto call_two = held.calls.take();
  on(there, [&] { call_two.reset(); });
  auto forgotten = results.take();
  ASSERT_TRUE(std::holds_alternative<call_lost>(forgotten));
  EXPECT_EQ(std::get<call_lost>(forgotten).code, errc::unknown_outcome);

  call(link, link_topic::code, "", "");
  auto unserved = results.take();
  ASSERT_TRUE(std::holds_alternative<call_not_run>(unserved));
  EXPECT_EQ(std::get<call_not_run>(unserved).code, errc::no_such_service);
}

namespace {

struct forgetful_service final : link_service {
  void serve(incoming_call_ptr) override { throw std::bad_alloc{}; }
};

}  // namespace

TEST_F(NodeLinkTest, ACallThatThePeerHasNoMemoryForIsAnsweredAndTheLinkGoesOn) {
  forgetful_service forgetful;
  services.offer(link_topic::code, forgetful);
  auto& link = connect();

  call(link, link_topic::code, "", "");

  auto result = results.take();
  ASSERT_TRUE(std::holds_alternative<call_lost>(result)) << "it may have run until then";
  EXPECT_EQ(std::get<call_lost>(result).code, errc::unknown_outcome);
  call(link, link_topic::invoke, "", "next");
  EXPECT_TRUE(std::holds_alternative<call_answered>(results.take()));
}

TEST_F(NodeLinkTest, ADrainingPeerTakesNoNewCallsAndAnswersThoseThatRun) {
  auto& link = connect();
  call(link, link_topic::store, "", "");
  const auto running = held.calls.take();
  on(there, [this] { server->drain(); });
  // The first may cross the goodbye; after its refusal the goodbye is here.
  on(here, [&] {
    const auto made = link.call(link_topic::invoke, {}, {}, here.now() + patience,
                                [this](call_result result) { results.put(std::move(result)); });
    if (!made)
      results.put(call_not_run{made.error().code, {}});
  });
  auto refused = results.take();
  ASSERT_TRUE(std::holds_alternative<call_not_run>(refused));
  EXPECT_EQ(std::get<call_not_run>(refused).code, errc::draining);
  on(here, [&] { EXPECT_FALSE(link.takes_calls()); });

  on(there, [&] {
    EXPECT_EQ(server->calls(), 1u);
    running->answer({}, buffer{"done"});
  });
  EXPECT_TRUE(std::holds_alternative<call_answered>(results.take()));
}

TEST_F(NodeLinkTest, ARefusedHelloIsRejectedWithItsReason) {
  listener_config.accept = [](const cluster::link_hello& peer) -> expected<cluster::link_hello> {
    return fail(errc::refused, "cluster " + peer.cluster + " is not ours");
  };
  start_peer();
  dial(config());
  const auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  EXPECT_EQ(change.detail, "cluster test is not ours");
}

TEST_F(NodeLinkTest, APeerThatTheDialerDoesNotWantIsRejected) {
  start_peer();
  auto picky = config();
  picky.accept = [](const cluster::link_hello& peer) -> expected<void> {
    return fail(errc::refused, "wanted another than " + peer.node_name);
  };
  auto& link = dial(picky);
  const auto change = wait_for(link_phase::broken);
  EXPECT_EQ(change.why, link_break::rejected);
  EXPECT_EQ(change.detail, "wanted another than there");
  on(here, [&] { EXPECT_FALSE(link.takes_calls()); });
}

TEST_F(NodeLinkTest, ANodeThatStartedAnewTakesThePlaceOfItsLifeBefore) {
  start_peer();
  auto first = config();
  auto second = config();
  first.hello = [] {
    auto hello = hello_of("here");
    hello.incarnation.bytes[0] = 1;
    return hello;
  };
  second.hello = [] {
    auto hello = hello_of("here");
    hello.incarnation.bytes[0] = 2;
    return hello;
  };
  first.dialing.first_back_off = first.dialing.longest_back_off = 1h;
  second.on_change = nullptr;
  dial(first);
  wait_for(link_phase::up);
  dial(second);

  EXPECT_EQ(wait_for(link_phase::broken).why, link_break::closed);
  on(there, [this] { EXPECT_EQ(server->links(), 1u); });
}

TEST_F(NodeLinkTest, CountsWhatBecameOfCallsAndTheBytesOfAllItsConnections) {
  auto& link = connect();
  std::shared_ptr<const link_pulse> pulse;
  on(here, [&] { pulse = link.pulse(); });
  const auto& counts = pulse->counts;
  const std::string body(100'000, 'b');

  call(link, link_topic::invoke, "", body);
  ASSERT_TRUE(std::holds_alternative<call_answered>(results.take()));
  call(link, link_topic::code, "", "nobody serves this");
  ASSERT_TRUE(std::holds_alternative<call_not_run>(results.take()));
  const auto canceled = call(link, link_topic::store, "", "");
  const auto kept = held.calls.take();
  on(here, [&] {
    link.cancel(canceled);
    link.cancel(canceled);
  });
  call(link, link_topic::store, "", "");
  const auto never_answered = held.calls.take();
  stop_peer();
  ASSERT_TRUE(std::holds_alternative<call_lost>(results.take()));

  EXPECT_EQ(counts.calls_sent.value(), 4u);
  EXPECT_EQ(counts.calls_answered.value(), 1u);
  EXPECT_EQ(counts.calls_refused.value(), 1u);
  EXPECT_EQ(counts.calls_canceled.value(), 1u);
  EXPECT_EQ(counts.calls_lost.value(), 1u);
  EXPECT_GT(counts.bytes_out.value(), body.size());
  EXPECT_GT(counts.bytes_in.value(), body.size());
}

TEST_F(NodeLinkTest, ThePulseCanBeReadFromAnyThread) {
  auto& link = connect();
  std::shared_ptr<const link_pulse> pulse;
  on(here, [&] { pulse = link.pulse(); });
  // The round trip is known after the second ping at the latest; each call below takes a turn of the loop.
  for (const auto end = clock::now() + patience; pulse->round_trip_us == 0 && clock::now() < end;) {
    call(link, link_topic::invoke, "", "");
    results.take();
  }
  EXPECT_GT(pulse->round_trip_us, 0u);
  EXPECT_GT(pulse->heard_at_ns, 0);
  EXPECT_EQ(pulse->phase.load(), link_phase::up);
}

namespace {

struct waker final : timer_listener {
  explicit waker(std::promise<void>& what) : promise{what} {}
  void on_timer(time_point) override { promise.set_value(); }
  std::promise<void>& promise;
};

}  // namespace

TEST_F(NodeLinkTest, CallsThatALoopReadsAfterASleepAreStale) {
  auto& link = connect();
  std::promise<void> asleep;
  std::promise<void> wake;
  there.post([&] {
    asleep.set_value();
    wake.get_future().wait();
  });
  ASSERT_EQ(asleep.get_future().wait_for(patience), std::future_status::ready);
  call(link, link_topic::invoke, "", "old");
  const auto began = clock::now();
  mailbox<int> ticks;
  waker timer{wake};
  on(here, [&] { here.arm(timer, clock::now() + 1'300ms); });

  auto result = results.take();

  EXPECT_GE(clock::now() - began, 1'200ms);
  ASSERT_TRUE(std::holds_alternative<call_not_run>(result));
  EXPECT_EQ(std::get<call_not_run>(result).code, errc::stale);
  for (;;) {
    call(link, link_topic::invoke, "", "fresh");
    if (std::holds_alternative<call_answered>(results.take()))
      break;
  }
}

TEST_F(NodeLinkTest, ALoopThatSleptBetweenTheWordOfTheKernelAndTheReadKnowsIt) {
  auto& link = connect();
  std::promise<void> busy, go_on, asleep, wake;
  there.post([&] {
    busy.set_value();
    go_on.get_future().wait();
  });
  ASSERT_EQ(busy.get_future().wait_for(patience), std::future_status::ready);
  call(link, link_topic::invoke, "", "noticed before the sleep");
  on(here, [] {});  // the batch that sends it is over
  // One batch is told of both, and handles what is posted first.
  there.post([&] {
    asleep.set_value();
    wake.get_future().wait();
  });
  go_on.set_value();
  ASSERT_EQ(asleep.get_future().wait_for(patience), std::future_status::ready);
  call(link, link_topic::invoke, "", "sent during the sleep");
  waker timer{wake};
  on(here, [&] { here.arm(timer, clock::now() + 1'300ms); });

  for (int i = 0; i < 2; ++i) {
    auto result = results.take();
    ASSERT_TRUE(std::holds_alternative<call_not_run>(result));
    EXPECT_EQ(std::get<call_not_run>(result).code, errc::stale);
  }
}

TEST_F(NodeLinkTest, DialsFromItsOwnHostWhereThatCanReachThePeer) {
  for (const auto& [own, seen] : std::vector<std::pair<std::string, std::string>>{
           {"127.0.0.7", "127.0.0.7"}, {"0.0.0.0", "127.0.0.1"}, {"::1", "127.0.0.1"}, {"", "127.0.0.1"}}) {
    const auto descriptor = open_link_socket({"127.0.0.1", 0}, address);
    ASSERT_TRUE(descriptor) << descriptor.error().what;
    pollfd ready{*descriptor, POLLIN, 0};
    auto with = config();
    with.from_host = own;

    auto& link = dial(with);

    ASSERT_EQ(::poll(&ready, 1, static_cast<int>(milliseconds{patience}.count())), 1) << own;
    socket_address from;
    from.length = sizeof from.storage;
    const int accepted = ::accept(*descriptor, from.get(), &from.length);
    ASSERT_GE(accepted, 0);
    EXPECT_EQ(from.host(), seen) << own;
    on(here, [&] { link.stop(); });
    ::close(accepted);
    ::close(*descriptor);
  }
}
