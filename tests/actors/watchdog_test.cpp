#include "actors/watchdog.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/on_loop.hpp"

namespace troupe::actors {
namespace {

constexpr seconds patience{20};

bool eventually(const std::function<bool()>& condition) {
  const auto end = clock::now() + patience;
  while (!condition() && clock::now() < end)
    std::this_thread::yield();
  return condition();
}

class WatchdogTest : public ::testing::Test {
protected:
  WatchdogTest() {
    for (auto* each : {&loop, &other, &compute, &control})
      each->start();
    watchdog_surroundings around;
    around.serving = {&loop};
    around.others = {&other};
    around.compute = {&compute};
    around.calls_wait = [this] { return calls_wait.load(); };
    around.executions = &directory;
    around.on_change = [this](standstill now) { told = now; };
    around.on_end = [this](const std::vector<overdue_call>& calls) {
      if (!overdue.exchange(true))
        ended.set_value(calls.front().loop->name() + " " + calls.front().function->name());
    };
    dog.emplace(std::move(around));
  }
  ~WatchdogTest() override {
    dog.reset();
    release = true;
    for (auto* each : {&loop, &other, &compute, &control})
      each->stop();
  }
  /// The loop does nothing else until `release`. @param timeout  of the call of `f` that it runs; nothing: it runs
  /// none.
  void hold(event_loop& which, std::optional<duration> timeout = {}) {
    which.post([this, &which, timeout] {
      if (timeout)
        which.pulse().begin_call(f->number(), *timeout);
      while (!release)
        std::this_thread::yield();
      which.pulse().end_call();
    });
  }
  bool until(standstill wanted) {
    return eventually([this, wanted] { return told.load() == wanted; });
  }

  event_loop loop{0, "loop-0"};
  event_loop other{1, "other"};
  event_loop compute{0, "compute-0"};
  event_loop control{2, "control"};
  execution_directory directory{native_execution::inlined, control};
  function_execution_ptr f = [this] {
    functions::function_spec spec;
    spec.id = make_uuid();
    spec.name = "f";
    return directory.adopt(spec);
  }();
  std::atomic<standstill> told{standstill::none};
  std::atomic<bool> calls_wait{false};
  std::atomic<bool> overdue{false};
  std::atomic<bool> release{false};
  std::promise<std::string> ended;
  std::optional<watchdog> dog;
};

}  // namespace

TEST_F(WatchdogTest, ALoopThatStandsStillIsToldAndToldAgainWhenItMoves) {
  EXPECT_EQ(told.load(), standstill::none);
  hold(loop);

  EXPECT_TRUE(until(standstill::event_loop));
  EXPECT_TRUE(dog->now().loops.front().stalled);
  EXPECT_EQ(dog->now().loops.front().stalls, 1u);
  release = true;

  EXPECT_TRUE(until(standstill::none));
  EXPECT_FALSE(overdue.load()) << "no function held it";
}

TEST_F(WatchdogTest, ACallBeyondItsTimeoutIsTheEnd) {
  hold(loop, milliseconds{800});
  auto end = ended.get_future();
  ASSERT_EQ(end.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(end.get(), "loop-0 f");
}

TEST_F(WatchdogTest, ACallWithinItsTimeoutIsNot) {
  hold(loop, std::chrono::minutes{10});
  EXPECT_TRUE(until(standstill::event_loop));
  EXPECT_FALSE(overdue.load());
}

TEST_F(WatchdogTest, EachCallOfAFunctionHasItsOwnTimeout) {
  hold(loop, std::chrono::minutes{10});
  EXPECT_TRUE(until(standstill::event_loop));
  hold(other, milliseconds{800});
  auto end = ended.get_future();
  ASSERT_EQ(end.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(end.get(), "other f");
}

TEST_F(WatchdogTest, ALoopThatServesNobodyIsSeenButIsNoReasonNotToServe) {
  hold(other);
  EXPECT_TRUE(eventually([this] { return dog->now().loops.back().stalled; }));
  EXPECT_EQ(told.load(), standstill::none);
}

TEST_F(WatchdogTest, AComputeLoopThatIsOverdueMattersOnceCallsWaitAndAllAre) {
  hold(compute, milliseconds{1'000});
  EXPECT_TRUE(eventually([this] { return dog->now().overdue_compute == 1; }));
  EXPECT_EQ(told.load(), standstill::none) << "nobody misses it";

  calls_wait = true;
  EXPECT_TRUE(until(standstill::compute_loops));
  EXPECT_FALSE(overdue.load());
  calls_wait = false;

  auto end = ended.get_future();
  ASSERT_EQ(end.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(end.get(), "compute-0 f");
}

TEST_F(WatchdogTest, AComputeLoopThatComesFreeEndsIt) {
  hold(compute, milliseconds{1'000});
  calls_wait = true;
  EXPECT_TRUE(until(standstill::compute_loops));
  release = true;
  EXPECT_TRUE(until(standstill::none));
  EXPECT_EQ(dog->now().overdue_compute, 0u);
  EXPECT_FALSE(overdue.load());
}

}  // namespace troupe::actors
