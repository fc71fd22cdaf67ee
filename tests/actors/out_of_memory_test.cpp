// A call that a router or the compute loops have accepted is answered, whichever allocation on its way fails.
#include "actors/compute_loops.hpp"
#include "tests/support/failing_memory.hpp"
#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

using tests::failing_memory;

class ComputeMemoryTest : public ::testing::Test {
protected:
  ComputeMemoryTest() {
    control.start();
    around.log = &logs;
    loops.emplace(1, around);
    loops->start(system);
  }
  ~ComputeMemoryTest() override {
    loops->close();
    const auto end = clock::now() + patience;
    while (!loops->idle() && clock::now() < end)
      std::this_thread::yield();
    EXPECT_TRUE(loops->idle());
    loops->stop();
    control.stop();
  }

  compute_call call_of(
      const function_execution_ptr& function, std::function<void()> run = [] {}) {
    auto call = std::make_shared<functions::invocation>();
    auto spec = std::make_shared<functions::function_spec>();
    spec->name = function->name();
    call->function = spec;
    call->arrived_at = clock::now();
    compute_call one;
    one.call = call;
    one.since = clock::now();
    one.library = functions::native_library::of([run = std::move(run)](auto*, auto*, auto*) { return run(), 0; });
    one.execution = function;
    one.answer = [this](const functions::outcome_ptr&) { ++answered; };
    return one;
  }
  function_execution_ptr function(const std::string& name) {
    functions::function_spec spec;
    spec.id = make_uuid();
    spec.name = name;
    return directory.adopt(spec);
  }
  void await_answers(int count) {
    const auto end = clock::now() + patience;
    while (answered < count && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(answered, count);
  }
  void await_idle() {
    const auto end = clock::now() + patience;
    while (!loops->idle() && clock::now() < end)
      std::this_thread::yield();
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  event_loop control{0, "control"};
  function_logs logs;
  execution_directory directory{native_execution::adaptive, control};
  compute_surroundings around;
  std::optional<compute_loops> loops;
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

}  // namespace
}  // namespace troupe::actors
