#include <deque>

#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

using cluster::peer_view;

uuid node(std::uint8_t n) {
  uuid made;
  made.bytes[15] = n;
  return made;
}

const uuid self_id = node(1);

/// Peers that run what the test says, when it says so.
class fake_peers final : public remote_calls {
public:
  struct sent {
    uuid to;
    functions::invocation_ptr call;
    std::function<void(remote_result)> done;
  };
  cluster::call_route choose(const uuid&, const cluster::local_view& here, std::span<const uuid> tried) override {
    ++choices;
    return cluster::route_call(here, peers, {home, {&home, 1}}, self_id, tried, 0);
  }
  void run(const uuid& to, functions::invocation_ptr call, std::function<void(remote_result)> done) override {
    calls.push_back({to, std::move(call), std::move(done)});
  }

  std::vector<peer_view> peers;
  uuid home = self_id;
  std::deque<sent> calls;
  int choices = 0;
};

class RouterRemoteTest : public RouterTest {
protected:
  RouterRemoteTest() {
    surroundings->remote = {&remote};
    deploy();
    on_loop([] {});
  }
  ~RouterRemoteTest() override {
    on_loop([this] { remote.calls.clear(); });
  }

  peer_view ready_peer(std::uint8_t n) { return {node(n), true, 4, 0, 0, {}}; }

  /// Sends a call and waits until the router has dealt with it.
  auto send_call(functions::invocation_ptr what = nullptr) {
    auto answer = self->request(target, patience, what ? what : call());
    on_loop([] {});
    return answer;
  }
  /// The call that is at a peer now. On the test's thread, while the loop rests.
  fake_peers::sent take_sent() {
    fake_peers::sent taken;
    on_loop([] {});  // what was sent to the router has been dealt with
    on_loop([&] {
      if (!remote.calls.empty()) {
        taken = std::move(remote.calls.front());
        remote.calls.pop_front();
      }
    });
    EXPECT_TRUE(taken.call) << "nothing was sent to a peer";
    return taken;
  }
  void deploy_version(std::uint64_t version) {
    auto spec = std::make_shared<functions::function_spec>(*function);
    spec->version = version;
    auto next = std::make_shared<routing_update>(*update);
    next->functions.front().spec = spec;
    update = next;
    caf::anon_send(target, install_update{update, {}});
  }
  void come_back(fake_peers::sent& what, remote_result result) {
    on_loop([&] { std::exchange(what.done, nullptr)(std::move(result)); });
  }
  static remote_result failure_of(remote_end end, errc code) { return {end, functions::make_failure(code, "test")}; }
  static remote_result answer_of() {
    auto result = std::make_shared<functions::outcome>();
    result->value = functions::native_response{};
    return {remote_end::ran, std::move(result)};
  }
  /// The answer of a call with a body that has gone to its home, node 2: nobody runs its function, and the bodies of
  /// others leave it no room here.
  auto send_home_for_want_of_room() {
    surroundings->limits.bodies = std::make_shared<functions::waiting_bodies>(10);
    others = surroundings->limits.take(10);
    remote.peers = {{node(2), true, 0, 0, 0, {}}};
    remote.home = node(2);
    return send_call(call({}, "1"));
  }

  fake_peers remote;
  functions::waiting_bodies::part others;
  caf::scoped_actor self{*system};
};

TEST_F(RouterRemoteTest, ACallRunsAtThePeerThatHasInstancesWhenNoneIsHere) {
  remote.peers = {ready_peer(2)};
  auto answer = send_call();

  auto sent = take_sent();
  EXPECT_EQ(sent.to, node(2));
  come_back(sent, answer_of());

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(demands.load(), 0) << "nothing is started here";
}

TEST_F(RouterRemoteTest, ACallThatBodiesOfOthersLeaveNoRoomForGoesToItsHomeWhenNobodyRunsIt) {
  auto answer = send_home_for_want_of_room();

  auto sent = take_sent();
  EXPECT_EQ(sent.to, node(2));
  come_back(sent, answer_of());

  EXPECT_EQ(code_of(answer), errc{});
}

TEST_F(RouterRemoteTest, ACallThatComesBackWaitsNoMoreThanOneThatIsNewWhereBodiesOfOthersLeaveItNoRoom) {
  auto answer = send_home_for_want_of_room();
  auto sent = take_sent();

  come_back(sent, failure_of(remote_end::not_run, errc::overloaded));

  EXPECT_EQ(code_of(answer), errc::overloaded);
  EXPECT_EQ(surroundings->limits.bodies->bytes(), 10u);
  EXPECT_EQ(demands.load(), 1);
}

TEST_F(RouterRemoteTest, AFreeInstanceHereIsTakenFirst) {
  remote.peers = {ready_peer(2)};
  add_worker();

  auto answer = send_call();

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(calls.load(), 1);
  EXPECT_EQ(remote.choices, 0);
}

TEST_F(RouterRemoteTest, WhatAPeerDidNotRunIsTriedAtTwoOtherPlacesAtMost) {
  remote.peers = {ready_peer(2), ready_peer(3), ready_peer(4), ready_peer(5)};
  auto answer = send_call();

  std::vector<uuid> tried;
  for (int i = 0; i < 3; ++i) {
    auto sent = take_sent();
    EXPECT_EQ(std::count(tried.begin(), tried.end(), sent.to), 0) << "asked twice";
    tried.push_back(sent.to);
    come_back(sent, failure_of(remote_end::not_run, errc::overloaded));
  }

  EXPECT_EQ(code_of(answer), errc::overloaded);
  EXPECT_TRUE(remote.calls.empty());
}

TEST_F(RouterRemoteTest, ACallThatNoPeerRanWaitedAllTheTime) {
  remote.peers = {ready_peer(2), ready_peer(3), ready_peer(4), ready_peer(5)};
  auto waits = std::make_shared<functions::invocation>();
  waits->function = function;
  waits->arrived_at = clock::now() - seconds{3};
  waits->deadline = time_point::max();
  auto answer = send_call(waits);

  for (int i = 0; i < 3; ++i) {
    auto sent = take_sent();
    come_back(sent, failure_of(remote_end::not_run, errc::overloaded));
  }

  answer.receive([](const functions::outcome_ptr& got) { EXPECT_GE(got->queued, seconds{3}); },
                 [](const caf::error&) { ADD_FAILURE(); });
}

TEST_F(RouterRemoteTest, WhatNoPeerRunsWaitsForAnInstanceHere) {
  remote.peers = {ready_peer(2)};
  auto answer = send_call();
  auto sent = take_sent();
  come_back(sent, failure_of(remote_end::not_run, errc::draining));
  EXPECT_EQ(demands.load(), 1);

  add_worker();

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(calls.load(), 1);
}

TEST_F(RouterRemoteTest, ACallThatMayHaveRunIsNotTriedAgain) {
  remote.peers = {ready_peer(2), ready_peer(3)};
  auto answer = send_call();
  auto sent = take_sent();

  come_back(sent, failure_of(remote_end::unknown, errc::link_lost));

  EXPECT_EQ(code_of(answer), errc::link_lost);
  EXPECT_TRUE(remote.calls.empty());
}

TEST_F(RouterRemoteTest, ACallThatMayHaveRunIsTriedAgainWhenItsFunctionIsIdempotent) {
  remote.peers = {ready_peer(2), ready_peer(3)};
  auto spec = std::make_shared<functions::function_spec>(*function);
  spec->idempotent = true;
  auto idempotent = std::make_shared<functions::invocation>();
  idempotent->function = spec;
  idempotent->deadline = time_point::max();
  auto answer = send_call(idempotent);
  auto sent = take_sent();

  come_back(sent, failure_of(remote_end::unknown, errc::link_lost));
  auto again = take_sent();
  EXPECT_NE(again.to, sent.to);
  come_back(again, answer_of());

  EXPECT_EQ(code_of(answer), errc{});
}

TEST_F(RouterRemoteTest, ACallWhoseTimeIsOverIsNotTriedAgain) {
  remote.peers = {ready_peer(2), ready_peer(3)};
  auto late = std::make_shared<functions::invocation>();
  late->function = function;
  late->deadline = clock::now();
  auto answer = send_call(late);
  auto sent = take_sent();

  come_back(sent, failure_of(remote_end::not_run, errc::overloaded));

  EXPECT_EQ(code_of(answer), errc::overloaded);
}

TEST_F(RouterRemoteTest, ACallOfAnotherNodeNeverLeavesThisOne) {
  remote.peers = {ready_peer(2)};
  auto answer = self->request(target, patience, linked{id, 1, std::make_shared<functions::invocation>()});
  on_loop([] {});
  EXPECT_EQ(remote.choices, 0);
  EXPECT_EQ(demands.load(), 1);

  add_worker();

  EXPECT_EQ(code_of(answer), errc{});
}

TEST_F(RouterRemoteTest, ACallOfAnotherNodeIsRefusedWhenThisNodesCatalogIsBehind) {
  auto newer = self->request(target, patience, linked{id, 2, std::make_shared<functions::invocation>()});
  EXPECT_EQ(code_of(newer), errc::not_ready);

  auto unknown = self->request(target, patience, linked{make_uuid(), 1, std::make_shared<functions::invocation>()});
  EXPECT_EQ(code_of(unknown), errc::not_ready);
}

TEST_F(RouterRemoteTest, WhatWaitsHereGoesToAPeerWhenThisNodeHasNoRoom) {
  auto answer = send_call();
  EXPECT_EQ(demands.load(), 1);
  on_loop([this] { remote.peers = {ready_peer(2)}; });

  caf::anon_send(target, start_failed{id, 1, {errc::no_capacity, {}, "no memory left"}});
  auto sent = take_sent();
  EXPECT_EQ(sent.to, node(2));
  come_back(sent, answer_of());

  EXPECT_EQ(code_of(answer), errc{});
}

TEST_F(RouterRemoteTest, WaitingHereInBetweenDoesNotAddTries) {
  remote.peers = {ready_peer(2), ready_peer(3)};
  auto answer = send_call();
  for (int i = 0; i < 2; ++i) {
    auto sent = take_sent();
    come_back(sent, failure_of(remote_end::not_run, errc::overloaded));
  }
  ASSERT_EQ(demands.load(), 1) << "it waits here, after its second retry";
  on_loop([this] { remote.peers = {ready_peer(4), ready_peer(5)}; });

  caf::anon_send(target, start_failed{id, 1, {errc::no_capacity, {}, "no memory left"}});

  EXPECT_EQ(code_of(answer), errc::no_capacity);
  EXPECT_TRUE(remote.calls.empty());
}

TEST_F(RouterRemoteTest, ACallForWhichNobodyWaitsIsNotTriedAgain) {
  remote.peers = {ready_peer(2), ready_peer(3)};
  auto spec = std::make_shared<functions::function_spec>(*function);
  spec->idempotent = true;
  auto left = std::make_shared<functions::invocation>();
  left->function = spec;
  left->deadline = time_point::max();
  auto answer = send_call(left);
  auto sent = take_sent();
  left->abandoned = true;

  come_back(sent, failure_of(remote_end::unknown, errc::client_gone));

  EXPECT_EQ(code_of(answer), errc::client_gone);
  EXPECT_TRUE(remote.calls.empty());
}

TEST_F(RouterRemoteTest, WhatWaitsWhereNothingWillStartGoesToThoseThatRunIt) {
  auto answer = send_call();
  auto linked_answer = self->request(target, patience, linked{id, 1, std::make_shared<functions::invocation>()});
  on_loop([this] { remote.peers = {ready_peer(2)}; });

  caf::anon_send(target, runs_elsewhere{id});
  auto sent = take_sent();
  EXPECT_EQ(sent.to, node(2));
  come_back(sent, answer_of());

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(code_of(linked_answer), errc::not_ready) << "it goes back to the node that it came from";
}

TEST_F(RouterRemoteTest, WhatNoPeerCanTakeNowWaitsOn) {
  auto answer = send_call();
  auto out_of_reach = ready_peer(2);
  out_of_reach.usable = false;
  on_loop([&] { remote.peers = {out_of_reach}; });
  caf::anon_send(target, runs_elsewhere{id});

  add_worker();

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(calls.load(), 1);
}

TEST_F(RouterRemoteTest, AFailedStartIsAnsweredHereAndTriedNowhereElse) {
  auto answer = send_call();
  on_loop([this] { remote.peers = {ready_peer(2)}; });

  caf::anon_send(target, start_failed{id, 1, {errc::init_failed, {}, "broken code"}});

  EXPECT_EQ(code_of(answer), errc::init_failed);
  EXPECT_TRUE(remote.calls.empty());
}

TEST_F(RouterRemoteTest, ACallForAVersionThatIsOnItsWayWaitsForWordOfIt) {
  add_worker();
  auto answer = self->request(target, patience, linked{id, 2, std::make_shared<functions::invocation>()});
  on_loop([] {});
  EXPECT_EQ(calls.load(), 0);

  deploy_version(2);

  EXPECT_EQ(code_of(answer), errc{});
  EXPECT_EQ(calls.load(), 1);
}

TEST_F(RouterRemoteTest, CallsThatWaitForWordOfTheirVersionTakeNoMoreMemoryThanAQueue) {
  surroundings->limits.max_bytes = 10;
  add_worker();
  const auto early = [this] {
    auto work = std::make_shared<functions::invocation>();
    work->json = "12345678";
    return self->request(target, patience, linked{id, 2, std::move(work)});
  };
  auto first = early();
  auto second = early();
  on_loop([] {});

  deploy_version(2);

  EXPECT_EQ(code_of(first), errc{});
  EXPECT_EQ(code_of(second), errc::not_ready);
  EXPECT_EQ(calls.load(), 1);
}

TEST_F(RouterRemoteTest, ALoneCallThatWaitsForWordOfItsVersionMayBeLargerThanAQueue) {
  surroundings->limits.max_bytes = 10;
  add_worker();
  auto work = std::make_shared<functions::invocation>();
  work->json = "12345678901234567890";
  auto answer = self->request(target, patience, linked{id, 2, std::move(work)});
  on_loop([] {});

  deploy_version(2);

  EXPECT_EQ(code_of(answer), errc{});
}

TEST_F(RouterRemoteTest, WhoCanRunACallOfAnotherNodeAtOnceIsNamedWithoutAMessage) {
  add_worker();
  auto& here = *static_cast<router*>(caf::actor_cast<caf::abstract_actor*>(target));
  const linked hop{id, 1, std::make_shared<functions::invocation>()};
  const linked newer{id, 2, std::make_shared<functions::invocation>()};

  on_loop([&] {
    EXPECT_FALSE(here.begin(newer).runner);
    const auto begun = here.begin(hop);
    EXPECT_EQ(begun.runner, instance);
    EXPECT_FALSE(here.begin(hop).runner) << "its one place was taken";
  });

  EXPECT_EQ(hop.call->function, function);
  EXPECT_TRUE(hop.call->by_link);
}

}  // namespace
}  // namespace troupe::actors
