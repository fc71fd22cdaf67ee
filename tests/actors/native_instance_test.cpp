#include "actors/native_instance.hpp"

#include <sys/resource.h>

#include <ctime>

#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

/// Processor time of the calling thread.
duration cpu_now() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// A router with one native function, whose calls burn `burn` of processor time and note where they ran.
class NativeInstanceTest : public RouterTest {
protected:
  NativeInstanceTest() {
    compute.start(*system);
    surroundings->compute = &compute;
    control.start();
  }
  ~NativeInstanceTest() override {
    // Instances report to the control loop to their end.
    caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
    const auto end = clock::now() + patience;
    while (system->registry().running() != 0 && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(system->registry().running(), 0u);
    on_loop([] {});
    compute.close();
    while (!compute.idle() && clock::now() < end)
      std::this_thread::yield();
    EXPECT_TRUE(compute.idle());
    compute.stop();
    control.stop();
  }

  void deploy_native(native_execution mode = native_execution::adaptive) {
    auto spec = std::make_shared<functions::function_spec>();
    spec->id = id;
    spec->name = "f";
    spec->version = 1;
    spec->timeout = seconds{900};
    function = spec;
    executions.emplace(mode, control);
    runnable what;
    what.spec = spec;
    what.library = functions::native_library::of([this](auto*, auto*, auto*) {
      ran_on = event_loop::current();
      timeout_there = event_loop::current()->pulse().read().timeout.count();
      for (const auto end = cpu_now() + duration{burn.load()}; cpu_now() < end;) {
      }
      return 0;
    });
    what.execution = executions->adopt(*spec);
    execution = what.execution;
    auto next = std::make_shared<routing_update>();
    next->functions.push_back(what);
    update = next;
    caf::anon_send(target, install_update{update, {}});
  }

  /// As an update does before it has another instance; its timeout is a shorter one.
  void announce_next_version() {
    auto next = *function;
    next.version = 2;
    next.timeout = seconds{1};
    tests::run_on_loop(control, [&] { executions->adopt(next); });
  }

  /// @returns whether all went well.
  bool calls_native(int count) {
    caf::scoped_actor self{*system};
    bool good = true;
    for (int i = 0; i < count; ++i)
      self->request(target, patience, call())
          .receive(
              [&](const functions::outcome_ptr& result) {
                good = good && std::holds_alternative<functions::native_response>(result->value);
              },
              [&](const caf::error&) { good = false; });
    return good;
  }
  bool until_inline(bool wanted) {
    const auto end = clock::now() + patience;
    while (execution->runs_inline() != wanted && clock::now() < end)
      if (!calls_native(1))
        return false;
    return execution->runs_inline() == wanted;
  }

  event_loop control{1, "control"};
  std::optional<execution_directory> executions;
  compute_loops compute{1, {{}, &logs, {}}};
  compute_loops no_compute{0, {{}, &logs, {}}};
  function_execution_ptr execution;
  std::atomic<duration::rep> burn{0};
  std::atomic<event_loop*> ran_on{nullptr};
  std::atomic<duration::rep> timeout_there{0};  ///< that the watchdog saw
};

}  // namespace

TEST_F(NativeInstanceTest, AFunctionBeginsOnAComputeLoopAndMovesToItsOwnWhenItIsShort) {
  deploy_native();
  EXPECT_TRUE(calls_native(1));
  EXPECT_NE(ran_on.load(), &loop);

  EXPECT_TRUE(until_inline(true));
  EXPECT_TRUE(calls_native(1));

  EXPECT_EQ(ran_on.load(), &loop);
}

TEST_F(NativeInstanceTest, CallsKeepTheTimeoutOfTheirVersionOnAnEventLoop) {
  deploy_native(native_execution::inlined);
  announce_next_version();
  EXPECT_TRUE(calls_native(1));
  EXPECT_EQ(ran_on.load(), &loop);
  EXPECT_EQ(timeout_there.load(), duration{seconds{900}}.count());
}

TEST_F(NativeInstanceTest, CallsKeepTheTimeoutOfTheirVersionOnAComputeLoop) {
  deploy_native(native_execution::compute);
  announce_next_version();
  EXPECT_TRUE(calls_native(1));
  EXPECT_NE(ran_on.load(), &loop);
  EXPECT_EQ(timeout_there.load(), duration{seconds{900}}.count());
}

TEST_F(NativeInstanceTest, ItMovesBackAfterAFewLongCallsAlsoOnceOnlyASampleIsMeasured) {
  deploy_native();
  EXPECT_TRUE(until_inline(true));
  EXPECT_TRUE(calls_native(500));
  EXPECT_TRUE(execution->runs_inline());

  burn = duration{milliseconds{10}}.count();
  int long_calls = 0;
  while (execution->runs_inline() && long_calls < 100) {
    EXPECT_TRUE(calls_native(1));
    ++long_calls;
    tests::run_on_loop(control, [] {});  // where it is judged
  }

  EXPECT_LE(long_calls, 5) << "slow calls are measured at once, not one in 64";
  EXPECT_TRUE(calls_native(1));
  EXPECT_NE(ran_on.load(), &loop);
  EXPECT_EQ(execution->demotions(), 1u);
}

TEST_F(NativeInstanceTest, PinnedFunctionsStayWhereTheyAre) {
  deploy_native(native_execution::inlined);
  burn = duration{milliseconds{2}}.count();
  EXPECT_TRUE(calls_native(10));
  EXPECT_EQ(ran_on.load(), &loop);
  EXPECT_TRUE(execution->runs_inline());
}

TEST_F(NativeInstanceTest, ACallRunsWithoutAMessageWhereItsFunctionMayRunInline) {
  auto& here = *static_cast<router*>(caf::actor_cast<caf::abstract_actor*>(target));
  auto work = std::make_shared<functions::invocation>();
  work->deadline = clock::now() + patience;
  const linked hop{id, 1, work};
  const linked newer{id, 2, std::make_shared<functions::invocation>()};

  deploy_native(native_execution::compute);
  on_loop([] {});
  on_loop([&] {
    const auto begun = here.begin(hop);
    EXPECT_EQ(begun.outcome, nullptr) << "a compute loop runs it";
    EXPECT_TRUE(begun.runner);
  });
  deploy_native(native_execution::inlined);
  on_loop([] {});
  on_loop([&] {
    const auto behind = here.begin(newer);
    EXPECT_TRUE(behind.outcome == nullptr && !behind.runner);
    const auto result = here.begin(hop).outcome;
    ASSERT_NE(result, nullptr);
    EXPECT_TRUE(std::holds_alternative<functions::native_response>(result->value));
    EXPECT_GT(result->ran, duration{});
    EXPECT_NE(here.begin(*call()).outcome, nullptr) << "of a client of this loop";
  });

  EXPECT_EQ(ran_on.load(), &loop);
  EXPECT_TRUE(work->by_link);
}

TEST_F(NativeInstanceTest, AnAnswerSaysHowLongItWaitedAndRan) {
  deploy_native(native_execution::compute);
  burn = duration{milliseconds{5}}.count();
  caf::scoped_actor self{*system};
  self->request(target, patience, call())
      .receive([&](const functions::outcome_ptr& result) { EXPECT_GE(result->ran, milliseconds{5}); },
               [&](const caf::error& why) { ADD_FAILURE() << to_string(why); });
  EXPECT_NE(ran_on.load(), &loop);
}

TEST_F(NativeInstanceTest, WithoutComputeLoopsACallIsRefused) {
  surroundings->compute = &no_compute;
  deploy_native(native_execution::compute);
  EXPECT_EQ(ask_for_failure(), errc::not_ready);
}

}  // namespace troupe::actors
