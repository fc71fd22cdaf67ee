#include "actors/compute_loops.hpp"

#include <sys/resource.h>

#include <condition_variable>
#include <mutex>

#include "tests/support/compute_fixture.hpp"

namespace troupe::actors {
namespace {

constexpr seconds patience{20};

/// Holds calls until it is opened.
class gate {
public:
  void pass() {
    std::unique_lock lock{mutex_};
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  bool await(int count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return arrived_ >= count; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

/// What came of the calls, in the order of their ends.
class answers {
public:
  std::function<void(functions::outcome_ptr)> next(std::string name) {
    return [this, name = std::move(name)](const functions::outcome_ptr& result) {
      const auto* failed = std::get_if<functions::failure>(&result->value);
      const std::lock_guard lock{mutex_};
      ends_.push_back(name + (failed == nullptr ? "" : ":" + std::string{to_string(failed->code)}));
      changed_.notify_all();
    };
  }
  std::vector<std::string> await(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [&] { return ends_.size() >= count; });
    return ends_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> ends_;
};

class ComputeLoopsTest : public ComputeFixture {
protected:
  ComputeLoopsTest() {
    around.limits.shedding = functions::queue_shedding::off;
    around.limits.max_age = std::chrono::minutes{10};
  }
  void TearDown() override {
    held.open();
    ComputeFixture::TearDown();
  }

  std::optional<errc> submit(const function_execution_ptr& of, functions::native_library::call_function handler,
                             const std::string& name = "f", std::string body = {}) {
    auto one = call_of(of, std::move(handler), std::move(body));
    last = one.call;
    one.answer = ends.next(name);
    return loops->submit(std::move(one));
  }
  std::optional<errc> hold(const function_execution_ptr& of, const std::string& name = "held") {
    return submit(
        of, [this](auto*, auto*, auto*) { return held.pass(), 0; }, name);
  }
  std::optional<errc> pass(const function_execution_ptr& of, const std::string& name = "f", std::string body = {}) {
    return submit(
        of, [](auto*, auto*, auto*) { return 0; }, name, std::move(body));
  }

  gate held;
  answers ends;
  functions::invocation_ptr last;
};

}  // namespace

TEST_F(ComputeLoopsTest, RunsACallOnAThreadOfLowerPriority) {
  start(1);
  std::atomic<int> nice_value{-1};
  const int own = ::getpriority(PRIO_PROCESS, 0);

  submit(function("f"), [&](auto*, auto*, auto*) {
    nice_value = ::getpriority(PRIO_PROCESS, 0);
    return 0;
  });

  EXPECT_EQ(ends.await(1), (std::vector<std::string>{"f"}));
  EXPECT_EQ(nice_value.load(), std::min(own + compute_loops::niceness, 19));
}

TEST_F(ComputeLoopsTest, AsManyCallsRunAtATimeAsThereAreLoops) {
  start(2);
  const auto f = function("f");
  for (int i = 0; i < 3; ++i)
    hold(f);

  EXPECT_TRUE(held.await(2));
  const auto now = loops->now(clock::now());

  EXPECT_EQ(now.busy, 2u);
  EXPECT_EQ(now.waiting, 1u);
}

TEST_F(ComputeLoopsTest, CallsBeyondTheQueueOfTheirFunctionAreRefused) {
  around.limits.max_calls = 1;
  start(1);
  const auto f = function("f");
  const auto g = function("g");
  hold(f);
  EXPECT_TRUE(held.await(1));
  EXPECT_EQ(pass(f), std::nullopt);

  EXPECT_EQ(pass(f), errc::overloaded);
  EXPECT_EQ(pass(g), std::nullopt);

  held.open();
  EXPECT_EQ(ends.await(3).size(), 3u);
  EXPECT_EQ(loops->now(clock::now()).refused_full, 1u);
}

TEST_F(ComputeLoopsTest, BodiesThatWaitHaveOneBoundForAllFunctions) {
  around.limits.bodies = std::make_shared<functions::waiting_bodies>(10);
  start(1);
  const auto f = function("f");
  const auto g = function("g");
  hold(f);
  EXPECT_TRUE(held.await(1));
  EXPECT_EQ(pass(f, "f", "123456"), std::nullopt);

  EXPECT_EQ(pass(g, "g", "12345"), errc::overloaded);
  EXPECT_EQ(pass(g), std::nullopt);
  EXPECT_EQ(around.limits.bodies->bytes(), 6u);

  held.open();
  EXPECT_EQ(ends.await(3).size(), 3u);
  EXPECT_EQ(around.limits.bodies->bytes(), 0u);
}

TEST_F(ComputeLoopsTest, ABodyNeedsNoRoomWhileALoopIsIdle) {
  around.limits.bodies = std::make_shared<functions::waiting_bodies>(10);
  const auto others = around.limits.take(10);
  start(2);
  const auto f = function("f");
  hold(f);
  EXPECT_TRUE(held.await(1));

  EXPECT_EQ(pass(f, "f", "123456"), std::nullopt);

  EXPECT_EQ(ends.await(1), (std::vector<std::string>{"f"}));
}

TEST_F(ComputeLoopsTest, ABodyThatWaitedTooLongIsGivenBackBeforeTheNextCallRuns) {
  around.limits.bodies = std::make_shared<functions::waiting_bodies>(10);
  start(1);
  const auto f = function("f");
  hold(f);
  EXPECT_TRUE(held.await(1));
  auto late = call_of(
      f, [](auto*, auto*, auto*) { return 0; }, "123456");
  late.since -= std::chrono::hours{1};
  late.answer = ends.next("late");
  EXPECT_EQ(loops->submit(std::move(late)), std::nullopt);
  gate second;
  submit(function("g"), [&](auto*, auto*, auto*) { return second.pass(), 0; });

  held.open();

  EXPECT_TRUE(second.await(1));
  EXPECT_EQ(around.limits.bodies->bytes(), 0u);
  second.open();
  EXPECT_EQ(ends.await(3).size(), 3u);
}

TEST_F(ComputeLoopsTest, FunctionsTakeTurns) {
  start(1);
  const auto f = function("f");
  const auto g = function("g");
  hold(f);
  EXPECT_TRUE(held.await(1));
  for (const auto* name : {"f1", "f2", "f3"})
    pass(f, name);
  pass(g, "g1");

  held.open();

  EXPECT_EQ(ends.await(5), (std::vector<std::string>{"held", "f1", "g1", "f2", "f3"}));
}

TEST_F(ComputeLoopsTest, ACallThatWaitsTooLongIsRefusedWhileTheLoopRunsAnother) {
  around.limits.max_age = milliseconds{100};
  start(1);
  const auto f = function("f");
  hold(f);
  EXPECT_TRUE(held.await(1));
  pass(f, "late");
  loops->refuse_stale(clock::now());
  EXPECT_EQ(loops->now(clock::now()).waiting, 1u);

  loops->refuse_stale(clock::now() + milliseconds{200});

  EXPECT_EQ(ends.await(1), (std::vector<std::string>{"late:overloaded"}));
  EXPECT_EQ(loops->now(clock::now()).refused_late, 1u);
}

TEST_F(ComputeLoopsTest, ACallThatNobodyWaitsForIsNotRun) {
  start(1);
  const auto f = function("f");
  hold(f);
  EXPECT_TRUE(held.await(1));
  std::atomic<bool> ran{false};
  submit(
      f,
      [&](auto*, auto*, auto*) {
        ran = true;
        return 0;
      },
      "left");

  last->abandoned = true;
  held.open();

  EXPECT_EQ(ends.await(2), (std::vector<std::string>{"held", "left:client_gone"}));
  EXPECT_FALSE(ran.load());
}

TEST_F(ComputeLoopsTest, OnceClosedItRefusesWhatWaitsAndWhatComesAndFinishesWhatRuns) {
  start(1);
  const auto f = function("f");
  hold(f);
  EXPECT_TRUE(held.await(1));
  pass(f, "waited");

  loops->close();

  EXPECT_EQ(pass(f), errc::draining);
  EXPECT_EQ(ends.await(1), (std::vector<std::string>{"waited:draining"}));
  EXPECT_FALSE(loops->idle());
  held.open();
  EXPECT_EQ(ends.await(2), (std::vector<std::string>{"waited:draining", "held"}));
}

TEST_F(ComputeLoopsTest, WithoutLoopsNothingRuns) {
  start(0);
  EXPECT_EQ(pass(function("f")), errc::not_ready);
}

TEST_F(ComputeLoopsTest, ShortCallsPromoteTheirFunction) {
  start(1);
  const auto f = function("f");
  const auto end = clock::now() + patience;
  while (!f->runs_inline() && clock::now() < end) {
    pass(f);
    std::this_thread::yield();
  }
  EXPECT_TRUE(f->runs_inline());
  EXPECT_EQ(f->promotions(), 1u);
}

}  // namespace troupe::actors
