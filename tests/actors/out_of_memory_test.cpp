// A call that a router or the compute loops have accepted is answered, whichever allocation on its way fails.
#include "tests/support/compute_fixture.hpp"
#include "tests/support/failing_memory.hpp"
#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

using tests::failing_memory;

class ComputeMemoryTest : public ComputeFixture {
protected:
  ComputeMemoryTest() { start(1); }

  compute_call call_of(
      const function_execution_ptr& function, std::function<void()> run = [] {}) {
    auto one = ComputeFixture::call_of(function, [run = std::move(run)](auto*, auto*, auto*) { return run(), 0; });
    one.answer = [this](const functions::outcome_ptr&) { ++answered; };
    return one;
  }
  void await_answers(int count) {
    const auto end = clock::now() + patience;
    while (answered < count && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(answered, count);
  }

  std::atomic<int> answered{0};
};

TEST_F(ComputeMemoryTest, WhatAnIdleLoopAcceptsIsAnsweredWhicheverAllocationFails) {
  int accepted = 0;
  bool failed = true;
  for (std::size_t nth = 1; failed; ++nth) {
    auto one = call_of(function("f" + std::to_string(nth)));
    await_idle();
    std::optional<errc> refused;
    {
      const failing_memory memory{nth};
      refused = loops->submit(std::move(one));
      failed = memory.failed();
    }
    EXPECT_TRUE(!refused || *refused == errc::no_capacity);
    EXPECT_EQ(refused.has_value(), failed) << "allocation " << nth;
    accepted += refused ? 0 : 1;
    await_answers(accepted);
    EXPECT_EQ(loops->now(clock::now()).waiting, 0u);
  }
  EXPECT_GT(accepted, 0);
}

TEST_F(ComputeMemoryTest, WhatWaitsForALoopIsAnsweredWhicheverAllocationFailed) {
  std::promise<void> runs;
  std::promise<void> go_on;
  const auto hold = [&] {
    runs.set_value();
    go_on.get_future().wait();
  };
  EXPECT_EQ(loops->submit(call_of(function("held"), hold)), std::nullopt);
  runs.get_future().wait();
  int accepted = 1;
  for (std::size_t nth = 1; nth <= 4; ++nth) {
    const auto f = function("f" + std::to_string(nth));
    for (int i = 0; i < 40; ++i) {
      auto one = call_of(f);
      const failing_memory memory{nth};
      const auto refused = loops->submit(std::move(one));
      EXPECT_TRUE(!refused || *refused == errc::no_capacity);
      EXPECT_EQ(refused.has_value(), memory.failed());
      accepted += refused ? 0 : 1;
    }
  }
  EXPECT_LT(accepted, 1 + 4 * 40) << "no allocation failed";
  EXPECT_EQ(loops->now(clock::now()).waiting, static_cast<std::size_t>(accepted - 1));

  go_on.set_value();

  await_answers(accepted);
}

TEST_F(ComputeMemoryTest, WhatCameWhileALoopCouldNotBeWokenIsRunFromTheNextTickOn) {
  // To wake the loop is the last for which a call takes memory, as much for each that is the first of its function.
  int accepted = !loops->submit(call_of(function("before")));
  await_answers(accepted);
  std::size_t last = 0;
  for (bool failed = true; failed; last += failed) {
    auto one = call_of(function("f" + std::to_string(last)));
    await_idle();
    const failing_memory memory{last + 1};
    accepted += !loops->submit(std::move(one));
    failed = memory.failed();
  }
  await_answers(accepted);
  auto first = call_of(function("first"));
  auto second = call_of(function("second"));
  await_idle();
  std::optional<errc> refused_first;
  std::optional<errc> refused_second = errc::not_ready;
  {
    const failing_memory memory{last, [&] { refused_second = loops->submit(std::move(second)); }};
    refused_first = loops->submit(std::move(first));
    EXPECT_TRUE(memory.failed());
  }
  EXPECT_EQ(refused_first, errc::no_capacity);
  EXPECT_EQ(refused_second, std::nullopt);
  EXPECT_EQ(loops->now(clock::now()).waiting, 1u);
  EXPECT_TRUE(loops->idle());

  {
    const failing_memory memory{1};
    loops->refuse_stale(clock::now());
    EXPECT_TRUE(memory.failed());
  }
  EXPECT_TRUE(loops->idle());
  loops->refuse_stale(clock::now());

  await_answers(accepted + 1);
}

using RouterMemoryTest = RouterTest;

TEST_F(RouterMemoryTest, ACallThatCannotWaitForWantOfMemoryIsRefusedAndTheOthersRun) {
  constexpr int count = 10;
  deploy();
  on_loop([] {});  // it has begun
  std::vector<std::unique_ptr<caf::scoped_actor>> clients;
  const auto ask = [this](caf::scoped_actor& client) { return client->request(target, patience, call()); };
  std::vector<decltype(ask(std::declval<caf::scoped_actor&>()))> asked;
  int failed = 0;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<caf::scoped_actor>(*system));
    on_loop([&] {
      asked.push_back(ask(*clients.back()));
      const failing_memory memory{1};
      loop.drain();
      failed += memory.failed();
    });
  }
  ASSERT_GT(failed, 0) << "no allocation failed";
  add_worker();

  int ran = 0;
  int refused = 0;
  for (auto& each : asked)
    each.receive(
        [&](const functions::outcome_ptr& result) {
          const auto* problem = std::get_if<functions::failure>(&result->value);
          ran += problem == nullptr;
          refused += problem != nullptr && problem->code == errc::no_capacity;
        },
        [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  EXPECT_EQ(refused, failed);
  EXPECT_EQ(ran, count - failed);
  EXPECT_EQ(refusals(errc::no_capacity), static_cast<std::uint64_t>(failed));
}

TEST_F(RouterMemoryTest, ACallThatCannotBeSentToItsInstanceKeepsNoPlaceThere) {
  deploy();
  add_worker();
  on_loop([&] {
    {
      const auto begun = router::behind(target)->begin(*call());
      ASSERT_TRUE(begun.runner);
      EXPECT_EQ(slots->free(), 0u);
    }
    EXPECT_EQ(slots->free(), 1u);
  });
}

functions::outcome_ptr good_outcome() {
  auto result = std::make_shared<functions::outcome>();
  result->value = functions::native_response{};
  return result;
}

/// Keeps what it gets until the test lets go. Has no use for memory itself.
class keeping_instance final : public loop_bound<function_actor::base> {
public:
  explicit keeping_instance(caf::actor_config& config) : loop_bound{config} { kept_.reserve(16); }
  behavior_type make_behavior() override {
    return {[this](const functions::invocation_ptr&) -> caf::result<functions::outcome_ptr> {
      auto answer = make_response_promise<promise>();
      kept_.push_back(answer);
      return answer;
    }};
  }
  static keeping_instance& behind(const function_actor& handle) {
    return *static_cast<keeping_instance*>(caf::actor_cast<caf::abstract_actor*>(handle));
  }
  std::size_t kept() const noexcept { return kept_.size(); }
  void let_go() {
    enter();
    for (auto& each : std::exchange(kept_, {}))
      each.deliver(good_outcome());
    kept_.reserve(16);
  }

private:
  using promise = caf::typed_response_promise<functions::outcome_ptr>;
  std::vector<promise> kept_;
};

class fake_remote final : public remote_calls {
public:
  cluster::call_route choose(const uuid&, const cluster::local_view&, std::span<const uuid>) override {
    return {place, place == cluster::call_place::peer ? make_uuid() : uuid{}};
  }
  void run(const uuid&, functions::invocation_ptr, std::function<void(remote_result)> done) override {
    sent = std::move(done);
  }
  cluster::call_place place = cluster::call_place::peer;
  std::function<void(remote_result)> sent;
};

class RouterPathTest : public RouterTest {
protected:
  RouterPathTest() {
    deploy();
    add_keeping_worker();
  }
  void add_keeping_worker() {
    on_loop([this] {
      slots = std::make_shared<worker_slots>(1, load, 0);
      slots->open();
      instance = spawn_on<keeping_instance>(*system, loop);
      caf::anon_send(target, instance_ready{id, 1, instance, slots});
    });
  }
  auto ask() {
    auto made = std::make_shared<functions::invocation>();
    made->function = function;
    made->arrived_at = clock::now() - seconds{2};  // of its wait the answer tells
    made->deadline = time_point::max();
    return client->request(target, patience, functions::invocation_ptr{std::move(made)});
  }
  /// Has the loop do what it has to with one allocation failing. @returns whether there was such a one.
  bool drain(std::size_t nth) {
    const failing_memory memory{nth};
    loop.drain();
    return memory.failed();
  }
  /// The call is with the instance, which then answers it, or has been refused.
  template <class Asked>
  void expect_answer(Asked& asked, std::size_t nth) {
    const auto refused_before = refusals(errc::no_capacity);
    bool runs = false;
    on_loop([&] {
      auto& kept = keeping_instance::behind(instance);
      runs = kept.kept() != 0;
      EXPECT_EQ(slots->in_flight(), runs ? 1u : 0u) << "allocation " << nth;
      if (runs)
        slots->give_back(loop.now());
      kept.let_go();
    });
    asked.receive(
        [&](const functions::outcome_ptr& result) {
          const auto* problem = std::get_if<functions::failure>(&result->value);
          EXPECT_EQ(problem == nullptr, runs);
          if (problem == nullptr)
            return;
          ++refused;
          EXPECT_EQ(problem->code, errc::no_capacity);
          EXPECT_GE(result->queued, seconds{1}) << "allocation " << nth;
        },
        [&](const caf::error& why) { ADD_FAILURE() << "allocation " << nth << ": " << caf::to_string(why); });
    EXPECT_EQ(refused_before, refused);
  }

  caf::scoped_actor client{*system};
  std::uint64_t refused = 0;
};

TEST_F(RouterPathTest, ACallForAFreeInstanceIsAnsweredWhicheverAllocationFails) {
  bool failed = true;
  for (std::size_t nth = 1; failed; ++nth) {
    std::optional<decltype(ask())> asked;
    on_loop([&] {
      asked.emplace(ask());
      failed = drain(nth);
    });
    expect_answer(*asked, nth);
  }
  EXPECT_GT(refused, 0u) << "no allocation failed";
}

TEST_F(RouterPathTest, ACallThatWaitedIsAnsweredWhicheverAllocationFails) {
  bool failed = true;
  for (std::size_t nth = 1; failed; ++nth) {
    std::optional<decltype(ask())> asked;
    on_loop([&] {
      slots->take(loop.now());
      asked.emplace(ask());
      loop.drain();
      slots->give_back(loop.now());
      caf::anon_send(target, slot_free{id});
      failed = drain(nth);
    });
    expect_answer(*asked, nth);
  }
  EXPECT_GT(refused, 0u) << "no allocation failed";
}

TEST_F(RouterPathTest, ACallThatCameBackIsAnsweredWhicheverAllocationFails) {
  fake_remote remote;
  on_loop([&] { surroundings->remote = {&remote}; });
  for (const auto next : {cluster::call_place::here, cluster::call_place::peer, cluster::call_place::nowhere}) {
    bool failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
      std::optional<decltype(ask())> asked;
      on_loop([&] {
        slots->take(loop.now());
        remote.place = cluster::call_place::peer;
        asked.emplace(ask());
        loop.drain();
        ASSERT_TRUE(remote.sent);
        slots->give_back(loop.now());
        remote.place = next;
        const auto told = std::exchange(remote.sent, nullptr);
        remote_result back{remote_end::not_run, functions::make_failure(errc::overloaded, "test")};
        const failing_memory memory{nth};
        told(std::move(back));
        failed = memory.failed();
      });
      on_loop([&] {
        auto& kept = keeping_instance::behind(instance);
        EXPECT_EQ(slots->in_flight(), kept.kept());
        if (kept.kept() != 0)
          slots->give_back(loop.now());
        kept.let_go();
        if (remote.sent)
          std::exchange(remote.sent, nullptr)({remote_end::ran, good_outcome()});
      });
      asked->receive(
          [](const functions::outcome_ptr&) {},
          [&](const caf::error& why) { ADD_FAILURE() << "allocation " << nth << ": " << caf::to_string(why); });
      EXPECT_TRUE(failed || nth > 1) << "no allocation failed";
    }
  }
  on_loop([this] { surroundings->remote.clear(); });
}

TEST_F(RouterPathTest, CallsThatNothingHereWillRunAreAnsweredWhicheverAllocationFails) {
  bool failed = true;
  std::size_t answered = 0;
  fake_remote remote;
  on_loop([&] {
    surroundings->remote = {&remote};
    caf::anon_send(target, instance_gone{id, slots});
  });
  for (std::size_t nth = 1; failed && nth < 100; ++nth) {
    std::optional<decltype(ask())> asked;
    on_loop([&] {
      surroundings->remote.clear();
      asked.emplace(ask());
      loop.drain();
      surroundings->remote = {&remote};
      caf::anon_send(target, runs_elsewhere{id});
      failed = drain(nth);
    });
    on_loop([&] {
      if (remote.sent)
        std::exchange(remote.sent, nullptr)({remote_end::ran, good_outcome()});
      else
        caf::anon_send(target, runs_elsewhere{id});  // nothing had happened to it: it goes now, if it waits still
      loop.drain();
      if (remote.sent)
        std::exchange(remote.sent, nullptr)({remote_end::ran, good_outcome()});
    });
    asked->receive(
        [&](const functions::outcome_ptr&) { ++answered; },
        [&](const caf::error& why) { ADD_FAILURE() << "allocation " << nth << ": " << caf::to_string(why); });
  }
  EXPECT_GT(answered, 1u);
  on_loop([this] { surroundings->remote.clear(); });
}

}  // namespace
}  // namespace troupe::actors
