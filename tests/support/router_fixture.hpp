// A router on a loop of its own, with one function of worker processes whose workers are fakes.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <caf/actor_system_config.hpp>
#include <caf/logger.hpp>
#include <caf/scoped_actor.hpp>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "actors/function_logs.hpp"
#include "actors/router.hpp"
#include "tests/support/on_loop.hpp"

namespace troupe::actors {

inline constexpr seconds patience{20};

/// Answers at once, or keeps the call until the test lets go by ending the actor.
class fake_instance final : public loop_bound<function_actor::base> {
public:
  fake_instance(caf::actor_config& config, std::shared_ptr<worker_slots> slots, std::atomic<int>* calls)
      : loop_bound{config}, slots_{std::move(slots)}, calls_{calls} {}
  behavior_type make_behavior() override {
    return {[this](const functions::invocation_ptr&) -> caf::result<functions::outcome_ptr> {
      ++*calls_;
      if (slots_)
        slots_->give_back(loop().now());
      auto result = std::make_shared<functions::outcome>();
      result->value = functions::native_response{};
      return result;
    }};
  }

private:
  std::shared_ptr<worker_slots> slots_;
  std::atomic<int>* calls_;
};

class RouterTest : public ::testing::Test {
public:
  ~RouterTest() override {
    caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
    on_loop([this] {
      instance = nullptr;
      peers->clear();  // each router knows all of them: a ring
      caf::logger::set_current_actor_system(nullptr);
    });
    target = nullptr;
    surroundings.reset();
    update.reset();
    const auto end = clock::now() + patience;
    while (system->registry().running() != 0 && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(system->registry().running(), 0u);
    system.reset();
    loop.stop();
  }

protected:
  RouterTest() {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    system = std::make_unique<caf::actor_system>(config);
    loop.attach(*system);
    loop.start();
    surroundings->log = &logs;
    surroundings->objects = std::make_shared<object_isolation>();
    surroundings->on_demand = [this](const demand&) { ++demands; };
    surroundings->peers = peers;
    target = spawn_on<router>(*system, loop, surroundings);
    peers->push_back(target);
  }

  void on_loop(std::function<void()> job) {
    tests::run_on_loop(loop, [&] {
      job();
      loop.drain();
    });
  }

  /// Deploys one function of worker processes.
  void deploy() {
    auto spec = std::make_shared<functions::function_spec>();
    spec->id = id;
    spec->name = "waits";
    spec->version = 1;
    runnable what;
    what.spec = spec;
    what.load = load;
    what.counts = {load, &load->cells};
    auto next = std::make_shared<routing_update>();
    next->functions.push_back(what);
    update = next;
    caf::anon_send(target, install_update{update, {}});
    function = spec;
  }

  /// @param age  for how long it has been on its way already.
  functions::invocation_ptr call(duration age = {}, std::string body = {}) {
    auto made = std::make_shared<functions::invocation>();
    made->function = function;
    made->arrived_at = clock::now() - age;
    made->deadline = time_point::max();
    made->json = std::move(body);
    return made;
  }

  void add_worker() {
    on_loop([this] {
      slots = std::make_shared<worker_slots>(1, load, 0);
      slots->open();
      instance = spawn_on<fake_instance>(*system, loop, slots, &calls);
      caf::anon_send(target, instance_ready{id, 1, instance, slots});
    });
  }

  /// Calls of the function that the router refused for this reason.
  std::uint64_t refusals(errc cause) const { return load->cells[0].refusals[static_cast<std::size_t>(cause)].value(); }

  /// Why a call failed; 0 when it did not.
  template <class Answer>
  errc code_of(Answer& answer) {
    errc code = errc::bug;
    bool good = false;
    answer.receive(
        [&](const functions::outcome_ptr& result) {
          if (const auto* failed = std::get_if<functions::failure>(&result->value))
            code = failed->code;
          else
            good = true;
        },
        [](const caf::error&) {});
    EXPECT_TRUE(good || code != errc::bug);
    return good ? errc{} : code;
  }

  errc ask_for_failure() {
    caf::scoped_actor self{*system};
    auto answer = self->request(target, patience, call());
    return code_of(answer);
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  event_loop loop{0, "router-test"};
  function_logs logs;
  std::shared_ptr<router_surroundings> surroundings = std::make_shared<router_surroundings>();
  std::shared_ptr<function_load> load = std::make_shared<function_load>(1);
  std::shared_ptr<std::vector<router_actor>> peers = std::make_shared<std::vector<router_actor>>();
  routing_update_ptr update;
  functions::function_ref function = std::make_shared<functions::function_spec>();
  uuid id = make_uuid();
  router_actor target;
  function_actor instance;
  std::shared_ptr<worker_slots> slots;  ///< of `instance`
  std::atomic<int> demands{0};
  std::atomic<int> calls{0};
};

}  // namespace troupe::actors
