#include "actors/function_execution.hpp"

#include <gtest/gtest.h>

#include "tests/support/on_loop.hpp"

namespace troupe::actors {
namespace {

class FunctionExecutionTest : public ::testing::Test {
protected:
  FunctionExecutionTest() {
    spec.id = make_uuid();
    spec.name = "f";
    spec.version = 1;
    control.start();
    install();
  }
  ~FunctionExecutionTest() override { control.stop(); }

  void install() {
    tests::run_on_loop(control, [this] { function = directory.adopt(spec); });
  }
  /// So many short calls of that version; comes back when they are judged.
  void report_short(std::uint64_t version) {
    function->report(version, enough);
    tests::run_on_loop(control, [] {});
  }

  const functions::call_samples enough{functions::execution_limits{}.samples, functions::execution_limits{}.samples, 0,
                                       0, 0};
  event_loop control{0, "control"};
  execution_directory directory{native_execution::adaptive, control};
  functions::function_spec spec;
  function_execution_ptr function;
};

TEST_F(FunctionExecutionTest, ShortCallsOfTheInstalledVersionMoveItToTheEventLoops) {
  report_short(1);
  EXPECT_TRUE(function->runs_inline());
}

TEST_F(FunctionExecutionTest, CallsOfTheVersionBeforeSayNothingOfTheNewOne) {
  spec.version = 2;
  install();

  report_short(1);
  EXPECT_FALSE(function->runs_inline());

  report_short(2);
  EXPECT_TRUE(function->runs_inline());
}

}  // namespace
}  // namespace troupe::actors
