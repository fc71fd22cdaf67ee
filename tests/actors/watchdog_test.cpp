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
    loop.start();
    control.start();
    watchdog_surroundings around;
    around.loops = {&loop};
    around.executions = &directory;
    around.on_change = [this](bool now) { stalled = now; };
    around.on_overdue = [this](const std::string& which, const function_execution& function, duration) {
      if (!overdue.exchange(true))
        ended.set_value(which + " " + function.name());
    };
    dog.emplace(std::move(around));
  }
  ~WatchdogTest() override {
    dog.reset();
    release = true;
    loop.stop();
    control.stop();
  }
  function_execution_ptr function(milliseconds timeout) {
    functions::function_spec spec;
    spec.id = make_uuid();
    spec.name = "f";
    spec.timeout = timeout;
    return directory.adopt(spec);
  }
  /// The loop does nothing else until `release`.
  void hold(const function_execution_ptr& running = nullptr) {
    loop.post([this, running] {
      if (running)
        loop.pulse().begin_call(running->number());
      while (!release)
        std::this_thread::yield();
      loop.pulse().end_call();
    });
  }

  event_loop loop{0, "loop-0"};
  event_loop control{1, "control"};
  execution_directory directory{native_execution::inlined, control};
  std::atomic<bool> stalled{false};
  std::atomic<bool> overdue{false};
  std::atomic<bool> release{false};
  std::promise<std::string> ended;
  std::optional<watchdog> dog;
};

}  // namespace

TEST_F(WatchdogTest, ALoopThatStandsStillIsToldAndToldAgainWhenItMoves) {
  EXPECT_FALSE(stalled);
  hold();

  EXPECT_TRUE(eventually([this] { return stalled.load(); }));
  EXPECT_TRUE(dog->now().front().stalled);
  EXPECT_EQ(dog->now().front().stalls, 1u);
  release = true;

  EXPECT_TRUE(eventually([this] { return !stalled.load(); }));
  EXPECT_FALSE(overdue.load()) << "no function held it";
}

TEST_F(WatchdogTest, ACallBeyondItsTimeoutIsTheEnd) {
  hold(function(milliseconds{800}));
  auto told = ended.get_future();
  ASSERT_EQ(told.wait_for(patience), std::future_status::ready);
  EXPECT_EQ(told.get(), "loop-0 f");
}

TEST_F(WatchdogTest, ACallWithinItsTimeoutIsNot) {
  hold(function(std::chrono::minutes{10}));
  EXPECT_TRUE(eventually([this] { return stalled.load(); }));
  EXPECT_FALSE(overdue.load());
}

}  // namespace troupe::actors
