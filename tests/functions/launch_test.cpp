#include "functions/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

runtime_programs programs() {
  runtime_programs all;
  all.path = "/nowhere";
  all.node = "/usr/bin/node";
  all.python = "/usr/bin/python3";
  all.native_host = "/usr/bin/troupe";
  all.node_shim = "/data/worker.cjs";
  all.python_shim = "/data/worker.py";
  return all;
}

worker_surroundings around() {
  worker_surroundings where;
  where.runtime_dir = "/data";
  where.log_stream = "2026/01/31/[$LATEST]6ba7b8109dad41d180b400c04fd430c8";
  return where;
}

function_spec spec_of(runtime_kind kind, std::string runtime) {
  function_spec spec;
  spec.name = "hello";
  spec.kind = kind;
  spec.runtime = std::move(runtime);
  spec.handler = "index.handler";
  return spec;
}

}  // namespace

TEST(LaunchTest, NodeLeavesRoomBesideTheHeapOfTheFunctionsMemory) {
  const auto begun = launch_of(spec_of(runtime_kind::node, "nodejs20.x"), programs(), around());
  ASSERT_TRUE(begun);
  EXPECT_THAT(begun->arguments, ElementsAre("/usr/bin/node", "--max-old-space-size=112", "/data/worker.cjs"));
}

TEST(LaunchTest, PythonAndNativeRunTheirOwnPrograms) {
  EXPECT_THAT(launch_of(spec_of(runtime_kind::python, "python3.11"), programs(), around())->arguments,
              ElementsAre("/usr/bin/python3", "-u", "-s", "/data/worker.py"));
  EXPECT_THAT(launch_of(spec_of(runtime_kind::native, "native"), programs(), around())->arguments,
              ElementsAre("/usr/bin/troupe", "native-host"));
}

TEST(LaunchTest, FunctionsThatStartAlikeShareAClass) {
  auto one = spec_of(runtime_kind::node, "nodejs20.x");
  auto other = spec_of(runtime_kind::node, "nodejs18.x");
  other.name = "other";
  other.environment["STAGE"] = "test";

  const auto first = launch_of(one, programs(), around());
  const auto second = launch_of(other, programs(), around());
  other.memory_mb = 1024;
  const auto larger = launch_of(other, programs(), around());

  EXPECT_NE(first->stem_class, "");
  EXPECT_EQ(first->stem_class, second->stem_class);
  EXPECT_NE(first->stem_class, larger->stem_class);
}

TEST(LaunchTest, AGenericWorkerKnowsNothingOfItsFunction) {
  auto spec = spec_of(runtime_kind::node, "nodejs20.x");
  spec.environment["SECRET"] = "s3cr3t";
  const auto begun = launch_of(spec, programs(), around());
  EXPECT_THAT(begun->environment, Not(Contains(HasSubstr("s3cr3t"))));
  EXPECT_THAT(begun->environment, Not(Contains(HasSubstr("hello"))));
  EXPECT_THAT(begun->environment, Contains(family_mark(around())));
}

TEST(LaunchTest, WhatCountsOnlyAtTheStartNeedsAProcessOfItsOwn) {
  for (const auto* name : {"NODE_OPTIONS", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "UV_THREADPOOL_SIZE"}) {
    auto spec = spec_of(runtime_kind::node, "nodejs20.x");
    spec.environment[name] = "x";
    const auto begun = launch_of(spec, programs(), around());
    EXPECT_EQ(begun->stem_class, "") << name;
    EXPECT_THAT(begun->environment, Contains(std::string{name} + "=x"));
  }
}

TEST(LaunchTest, ARuntimeThatIsNotInstalledIsNamed) {
  auto none = programs();
  none.python.clear();
  const auto spec = spec_of(runtime_kind::python, "python3.12");
  EXPECT_EQ(launch_of(spec, none, around()).error().code, errc::init_failed);
  EXPECT_EQ(check_installed(spec, none).error().code, errc::bad_usage);
  EXPECT_THAT(check_installed(spec, none).error().what, HasSubstr("python3.12 is not installed"));
}
