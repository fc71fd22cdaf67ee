// What a supervisor begins within its band. Its code never gets ready here: that it is asked for shows that a start was
// wanted and allowed.
#include <gtest/gtest.h>

#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <future>
#include <thread>

#include "actors/function_supervisor.hpp"

namespace troupe::actors {
namespace {

constexpr seconds patience{20};

class SupervisorBandTest : public ::testing::Test {
protected:
  SupervisorBandTest() {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    system = std::make_unique<caf::actor_system>(config);
    auto around = std::make_shared<supervisor_surroundings>();
    around->routers = std::make_shared<std::vector<router_actor>>();
    around->prepare = [this](const functions::function_ref&, const supervisor_actor&) { ++prepared; };
    around->counts_changed = [this] { ++changes; };
    supervisor = system->spawn<function_supervisor>(around);
  }
  ~SupervisorBandTest() override {
    caf::anon_send_exit(supervisor, caf::exit_reason::user_shutdown);
    supervisor = nullptr;
    const auto end = clock::now() + patience;
    while (system->registry().running() != 0 && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(system->registry().running(), 0u);
  }

  void give(cluster::instance_band band) { caf::anon_send(supervisor, band_change{band}); }
  /// A home orders it. @returns what is said to that, after everything before.
  expected<void> order(cluster::instance_band band) {
    std::promise<expected<void>> said;
    caf::anon_send(supervisor, band_change{band, [&](expected<void> kept) { said.set_value(std::move(kept)); }});
    auto answer = said.get_future();
    if (answer.wait_for(patience) != std::future_status::ready)
      return fail(errc::bug, "it was never answered");
    return answer.get();
  }
  void adopt() {
    auto spec = std::make_shared<functions::function_spec>();
    spec->name = "within";
    spec->version = 1;
    runnable what;
    what.spec = spec;
    what.load = load;
    caf::anon_send(supervisor, what);
  }
  void wish() {
    caf::anon_send(supervisor, start_wish{1, [](const start_report&) {}});
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::shared_ptr<function_load> load = std::make_shared<function_load>(1);
  std::atomic<int> prepared{0}, changes{0};
  supervisor_actor supervisor;
};

TEST_F(SupervisorBandTest, WithoutRoomNothingStartsAndTheWishShows) {
  give({0, 0});
  adopt();
  wish();

  EXPECT_TRUE(order({0, 0}).has_value());
  EXPECT_EQ(prepared, 0);
  EXPECT_EQ(load->supervised.wanted, 1u);
  EXPECT_EQ(load->supervised.outlook.load(), start_outlook::none);
  EXPECT_GE(changes, 1);
}

TEST_F(SupervisorBandTest, WhatWaitedForRoomStartsWhenThereIsSome) {
  give({0, 0});
  adopt();
  wish();

  EXPECT_TRUE(order({0, 1}).has_value());
  EXPECT_EQ(order({0, 1}).has_value(), true);
  EXPECT_EQ(prepared, 1);
  EXPECT_EQ(load->supervised.outlook.load(), start_outlook::room);
}

TEST_F(SupervisorBandTest, ItsMinimumStartsByItself) {
  give({0, cluster::no_max});
  adopt();
  EXPECT_TRUE(order({0, cluster::no_max}).has_value());
  EXPECT_EQ(prepared, 0);

  EXPECT_TRUE(order({1, cluster::no_max}).has_value());
  EXPECT_TRUE(order({1, cluster::no_max}).has_value());
  EXPECT_EQ(prepared, 1);
}

TEST_F(SupervisorBandTest, CallsThatWaitAskForWhatTheBandLacks) {
  give({0, 0});
  adopt();
  caf::anon_send(supervisor, demand{{}, 0, 5, milliseconds{50}});

  EXPECT_TRUE(order({0, 0}).has_value());
  EXPECT_EQ(load->supervised.wanted, 1u) << "from nothing the first one alone";
  EXPECT_EQ(prepared, 0);
}

}  // namespace
}  // namespace troupe::actors
