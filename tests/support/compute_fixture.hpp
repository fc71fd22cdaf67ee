// Compute loops, with the control loop that their functions are judged on.
#pragma once

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "actors/compute_loops.hpp"
#include "actors/function_logs.hpp"

namespace troupe::actors {

class ComputeFixture : public ::testing::Test {
protected:
  ComputeFixture() {
    control.start();
    around.log = &logs;
  }
  /// While the members of the test, which its calls refer to, still live.
  void TearDown() override {
    loops->close();
    await_idle();
    EXPECT_TRUE(loops->idle());
    loops->stop();
    control.stop();
  }

  void start(unsigned count) {
    loops.emplace(count, around);
    loops->start(system);
  }
  void await_idle() {
    const auto end = clock::now() + seconds{20};
    while (!loops->idle() && clock::now() < end)
      std::this_thread::yield();
  }
  function_execution_ptr function(const std::string& name) {
    functions::function_spec spec;
    spec.id = make_uuid();
    spec.name = name;
    return directory.adopt(spec);
  }
  /// Of a function without an answer to anybody yet.
  static compute_call call_of(const function_execution_ptr& function, functions::native_library::call_function handler,
                              std::string body = {}) {
    auto call = std::make_shared<functions::invocation>();
    call->json = std::move(body);
    auto spec = std::make_shared<functions::function_spec>();
    spec->name = function->name();
    call->function = spec;
    call->arrived_at = clock::now();
    compute_call one;
    one.call = call;
    one.since = clock::now();
    one.library = functions::native_library::of(std::move(handler));
    one.execution = function;
    return one;
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  event_loop control{0, "control"};
  function_logs logs;
  execution_directory directory{native_execution::adaptive, control};
  compute_surroundings around;
  std::optional<compute_loops> loops;
};

}  // namespace troupe::actors
