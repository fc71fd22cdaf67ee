#include "actors/wake_gate.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <utility>

#include "tests/support/on_loop.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

constexpr seconds patience{20};

class WakeGateTest : public ::testing::Test {
protected:
  WakeGateTest() {
    loop.start();
    wake_gate_config config;
    config.call = [this](const uuid& peer, buffer head, time_point, call_callback done) -> expected<void> {
      EXPECT_TRUE(cluster::check_level_question(head.view()));
      if (cannot_call)
        return fail(errc::link_down, "no link");
      asked.emplace(peer, std::move(done));
      return {};
    };
    config.in_reach = [this] { return peers; };
    config.own_level = [this] { return cluster::copy_level{generation, installed}; };
    config.installed = [this] { return installed; };
    config.when_installed = [this](cluster::cursor at, time_point, std::function<void(bool)> done) {
      if (at <= installed)
        done(true);
      else
        waits = std::move(done);
    };
    on_loop([&] { gate = std::make_unique<wake_gate>(loop, services, std::move(config)); });
  }
  ~WakeGateTest() override {
    on_loop([this] { gate->stop(); });
    on_loop([this] { gate.reset(); });
    loop.stop();
  }

  void on_loop(std::function<void()> job) { tests::run_on_loop(loop, job); }
  void sleep() {
    on_loop([this] { gate->slept([this] { ++went_on; }); });
  }
  void answer(const uuid& peer, std::optional<cluster::copy_level> level) {
    on_loop([&] {
      const auto done = std::move(asked.extract(peer).mapped());
      if (level)
        done(call_answered{cluster::encode(*level), {}});
      else
        done(call_lost{});
    });
  }

  event_loop loop{0, "test"};
  link_services services;
  std::unique_ptr<wake_gate> gate;
  const uuid one = make_fast_uuid();
  std::vector<uuid> peers{one};
  cluster::generation generation{1, 7};
  cluster::cursor installed{5};
  std::map<uuid, call_callback> asked;
  std::function<void(bool)> waits;
  bool cannot_call = false;
  int went_on = 0;
};

TEST_F(WakeGateTest, GoesOnAtOnceWhenNoPeerIsInReach) {
  peers = {};

  sleep();

  EXPECT_EQ(went_on, 1);
  EXPECT_TRUE(asked.empty());
}

TEST_F(WakeGateTest, WaitsUntilThePictureIsLevelWithThePeer) {
  sleep();
  EXPECT_EQ(went_on, 0);

  answer(one, cluster::copy_level{generation, {6}});
  EXPECT_EQ(went_on, 0);
  on_loop([this] {
    installed = {6};
    waits(true);
  });

  EXPECT_EQ(went_on, 1);
}

TEST_F(WakeGateTest, AnAnswerToAQuestionBeforeTheLastSleepDoesNotCount) {
  sleep();
  auto early = std::exchange(asked, {});
  sleep();

  on_loop([&] { early.begin()->second(call_answered{cluster::encode(cluster::copy_level{generation, {5}}), {}}); });
  EXPECT_EQ(went_on, 0);
  answer(one, cluster::copy_level{generation, {5}});

  EXPECT_EQ(went_on, 2) << "both loops";
}

TEST_F(WakeGateTest, AsksAgainWhenThereIsNoAnswerOrOneOfAnotherHistory) {
  on_loop([this] { gate->start(); });
  cannot_call = true;
  sleep();
  on_loop([this] { cannot_call = false; });
  const auto ask_again = [this] {
    const auto until = clock::now() + patience;
    for (bool any = false; !any && clock::now() < until;)
      on_loop([&] { any = !asked.empty(); });
  };
  ask_again();
  answer(one, std::nullopt);
  ask_again();
  answer(one, cluster::copy_level{{2, 8}, {1}});
  EXPECT_EQ(went_on, 0);
  ask_again();
  answer(one, cluster::copy_level{generation, {1}});

  EXPECT_EQ(went_on, 1);
}

TEST_F(WakeGateTest, GoesOnWhenTheLastPeerIsOutOfReach) {
  on_loop([this] { gate->start(); });
  sleep();
  EXPECT_EQ(went_on, 0);

  on_loop([this] { peers = {}; });

  const auto until = clock::now() + patience;
  for (bool done = false; !done && clock::now() < until;)
    on_loop([&] { done = went_on == 1; });
  EXPECT_EQ(went_on, 1);
}

}  // namespace
