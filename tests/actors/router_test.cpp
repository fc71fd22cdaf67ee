#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

TEST_F(RouterTest, RefusesAFunctionThatIsNotDeployed) {
  EXPECT_EQ(ask_for_failure(), errc::no_such_function);
}

TEST_F(RouterTest, ACallWithoutAnInstanceAsksForOneAndRunsWhenItIsReady) {
  deploy();
  caf::scoped_actor self{*system};
  auto answer = self->request(target, patience, call());
  on_loop([] {});
  EXPECT_EQ(demands.load(), 1);
  EXPECT_EQ(calls.load(), 0);

  add_worker();

  bool ran = false;
  answer.receive(
      [&](const functions::outcome_ptr& result) {
        ran = std::holds_alternative<functions::native_response>(result->value);
      },
      [](const caf::error&) {});
  EXPECT_TRUE(ran);
  EXPECT_EQ(calls.load(), 1);
}

TEST_F(RouterTest, CallsBeyondTheQueueAreRefusedAtOnce) {
  surroundings->limits.max_calls = 2;
  deploy();
  for (int i = 0; i < 2; ++i)
    caf::anon_send(target, call());

  EXPECT_EQ(ask_for_failure(), errc::overloaded);
  EXPECT_EQ(refusals(errc::overloaded), 1u);

  add_worker();
  on_loop([] {});
}

TEST_F(RouterTest, ACallWhoseBodyFindsNoRoomBesideThoseThatWaitIsRefusedAndOneWithoutWaits) {
  auto bodies = std::make_shared<functions::waiting_bodies>(10);
  surroundings->limits.bodies = bodies;
  surroundings->limits.max_age = std::chrono::minutes{10};
  surroundings->limits.shedding = functions::queue_shedding::off;
  deploy();
  caf::scoped_actor self{*system};
  auto first = self->request(target, patience, call({}, "123456"));
  auto second = self->request(target, patience, call({}, "123456"));
  auto third = self->request(target, patience, call());

  EXPECT_EQ(code_of(second), errc::overloaded);
  EXPECT_EQ(bodies->bytes(), 6u);

  for (int i = 0; i < 2; ++i)
    add_worker();
  EXPECT_EQ(code_of(first), errc{});
  EXPECT_EQ(code_of(third), errc{});
  on_loop([] {});
  EXPECT_EQ(bodies->bytes(), 0u);
}

TEST_F(RouterTest, ACallThatBodiesOfOthersLeaveNoRoomForAsksForAnInstance) {
  surroundings->limits.bodies = std::make_shared<functions::waiting_bodies>(10);
  const auto others = surroundings->limits.take(10);
  deploy();
  caf::scoped_actor self{*system};

  auto answer = self->request(target, patience, call({}, "1"));

  EXPECT_EQ(code_of(answer), errc::overloaded);
  EXPECT_EQ(demands.load(), 1);
}

TEST_F(RouterTest, CallsThatWaitTooLongAreRefused) {
  surroundings->limits.start_timeout = milliseconds{1};
  deploy();
  EXPECT_EQ(ask_for_failure(), errc::overloaded);
  EXPECT_EQ(refusals(errc::overloaded), 1u);
}

TEST_F(RouterTest, ACallThatIsRefusedAfterAWaitSaysHowLongThatWas) {
  surroundings->limits.start_timeout = milliseconds{1};
  deploy();
  const auto waits = call(seconds{3});
  caf::scoped_actor self{*system};
  functions::outcome_ptr result;

  self->request(target, patience, waits)
      .receive([&](const functions::outcome_ptr& got) { result = got; }, [](const caf::error&) {});

  ASSERT_TRUE(result);
  EXPECT_GE(result->queued, seconds{3});
  EXPECT_EQ(result->started, duration{});
}

TEST_F(RouterTest, ACallWhoseStartFailedWaitedForIt) {
  deploy();
  const auto waits = call(seconds{3});
  caf::scoped_actor self{*system};
  auto answer = self->request(target, patience, waits);
  on_loop([] {});

  caf::anon_send(target, start_failed{id, 1, {errc::init_failed, {}, "broken"}});

  answer.receive([](const functions::outcome_ptr& got) { EXPECT_GE(got->queued, seconds{3}); },
                 [](const caf::error&) { ADD_FAILURE(); });
}

TEST_F(RouterTest, ACallWaitsForABusyFunctionNoLongerThanThatRuns) {
  surroundings->limits.max_age = std::chrono::minutes{10};
  deploy();
  add_worker();
  on_loop([this] {
    slots->take(loop.now());
    slots->measured(milliseconds{20});
  });

  EXPECT_EQ(ask_for_failure(), errc::overloaded);

  EXPECT_EQ(calls.load(), 0);
  on_loop([this] { slots->give_back(loop.now()); });
}

TEST_F(RouterTest, BeforeACallIsRefusedMoreInstancesAreAskedForAndItWaitsForThem) {
  surroundings->limits.max_age = std::chrono::minutes{10};
  load->supervised.outlook = start_outlook::room;
  deploy();
  add_worker();
  on_loop([this] {
    slots->take(loop.now());
    slots->measured(milliseconds{1});
  });
  const auto began = clock::now();

  EXPECT_EQ(ask_for_failure(), errc::overloaded);

  EXPECT_GT(demands.load(), 0);
  EXPECT_GE(clock::now() - began, functions::queue_patience::standing_after);
  on_loop([this] { slots->give_back(loop.now()); });
}

TEST_F(RouterTest, WhileAnInstanceStartsACallWaitsForLonger) {
  deploy();
  add_worker();
  on_loop([this] {
    slots->take(loop.now());
    slots->measured(milliseconds{20});
  });
  load->supervised.starting = 1;
  const auto began = clock::now();

  EXPECT_EQ(ask_for_failure(), errc::overloaded);

  EXPECT_GE(clock::now() - began, surroundings->limits.max_age);
  on_loop([this] { slots->give_back(loop.now()); });
}

TEST_F(RouterTest, AFailedStartAnswersWhatWaitsForThatVersion) {
  deploy();
  caf::scoped_actor self{*system};
  auto answer = self->request(target, patience, call());
  on_loop([] {});

  caf::anon_send(target, start_failed{id, 1, {errc::init_failed, {}, "broken"}});

  errc code = errc::bug;
  answer.receive([&](const functions::outcome_ptr& result) { code = std::get<functions::failure>(result->value).code; },
                 [](const caf::error&) {});
  EXPECT_EQ(code, errc::init_failed);
  EXPECT_EQ(refusals(errc::init_failed), 1u);
}

TEST_F(RouterTest, RemovingAFunctionAnswersWhatWaitsForIt) {
  deploy();
  caf::scoped_actor self{*system};
  auto answer = self->request(target, patience, call());
  on_loop([] {});

  caf::anon_send(target, install_update{std::make_shared<routing_update>(), {}});

  errc code = errc::bug;
  answer.receive([&](const functions::outcome_ptr& result) { code = std::get<functions::failure>(result->value).code; },
                 [](const caf::error&) {});
  EXPECT_EQ(code, errc::no_such_route);
}

}  // namespace
}  // namespace troupe::actors
