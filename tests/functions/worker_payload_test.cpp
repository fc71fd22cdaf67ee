#include "functions/worker_payload.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::functions;
using nlohmann::json;

namespace {

const uuid id = parse_uuid("6ba7b810-9dad-41d1-80b4-00c04fd430c8");

constexpr int exited(int code) {
  return W_EXITCODE(code, 0);
}
constexpr int signaled(int signal) {
  return W_EXITCODE(0, signal);
}

function_spec hello() {
  function_spec spec;
  spec.name = "hello";
  spec.runtime = "nodejs20.x";
  spec.handler = "index.handler";
  spec.memory_mb = 256;
  spec.concurrency = 4;
  return spec;
}

worker_surroundings around() {
  worker_surroundings out;
  out.task_root = "/data/slots/1";
  out.runtime_dir = "/data/shims";
  out.log_stream = make_log_stream("$LATEST", milliseconds{1'769'860'800'000}, id);
  return out;
}

}  // namespace

TEST(WorkerPayloadTest, CallersReadWhatLambdaWouldHaveSaid) {
  EXPECT_EQ(timeout_payload(id, milliseconds{1000}),
            R"({"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 6ba7b810-9dad-41d1-80b4-00c04fd430c8 )"
            R"(Error: Task timed out after 1.00 seconds"})");
  EXPECT_EQ(exit_payload(id, exited(1)),
            R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: 6ba7b810-9dad-41d1-80b4-00c04fd430c8 )"
            R"(Error: Runtime exited with error: exit status 1"})");
  EXPECT_EQ(exit_payload(id, exited(0)),
            R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: 6ba7b810-9dad-41d1-80b4-00c04fd430c8 )"
            R"(Error: Runtime exited without providing a reason"})");
  EXPECT_EQ(exit_payload(id, signaled(SIGKILL)),
            R"({"errorType":"Runtime.ExitError","errorMessage":"RequestId: 6ba7b810-9dad-41d1-80b4-00c04fd430c8 )"
            R"(Error: Runtime exited with error: signal: killed"})");
  EXPECT_EQ(response_too_big_payload(6291556),
            R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",)"
            R"("errorType":"Function.ResponseSizeTooLarge"})");
  EXPECT_EQ(json::parse(init_timeout_payload(id, milliseconds{10'000}))["errorMessage"],
            "RequestId: 6ba7b810-9dad-41d1-80b4-00c04fd430c8 Error: Initialization timed out after 10.00 seconds");
}

TEST(WorkerPayloadTest, TimeoutHasTwoDecimals) {
  EXPECT_THAT(timeout_payload(id, milliseconds{250}), testing::HasSubstr("after 0.25 seconds"));
  EXPECT_THAT(timeout_payload(id, milliseconds{900'000}), testing::HasSubstr("after 900.00 seconds"));
}

TEST(WorkerPayloadTest, SignalsHaveGosNames) {
  EXPECT_EQ(signal_name(SIGSEGV), "segmentation fault");
  EXPECT_EQ(signal_name(SIGABRT), "aborted");
  EXPECT_EQ(signal_name(SIGHUP), "hangup");
  EXPECT_EQ(signal_name(SIGTERM), "terminated");
  EXPECT_EQ(signal_name(SIGSYS), "bad system call");
  EXPECT_EQ(signal_name(35), "signal 35");
  EXPECT_EQ(signal_name(0), "signal 0");
}

TEST(WorkerPayloadTest, ReasonsMayHoldAnyBytes) {
  const auto payload = json::parse(spawn_failure_payload(id, "exec \"/x\n\xff\": no"));
  EXPECT_EQ(payload["errorType"], "Runtime.InvalidEntrypoint");
  EXPECT_THAT(payload["errorMessage"].get<std::string>(), testing::EndsWith("Error: exec \"/x\n\xc3\xbf\": no"));
}

TEST(WorkerEnvironmentTest, HoldsWhatLambdaDocumentsAndNothingOfTheNode) {
  EXPECT_EQ(worker_environment(hello(), around()),
            (std::vector<std::string>{
                "AWS_DEFAULT_REGION=us-east-1",
                "AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
                "AWS_LAMBDA_FUNCTION_NAME=hello",
                "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
                "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
                "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/hello",
                "AWS_LAMBDA_LOG_STREAM_NAME=2026/01/31/[$LATEST]6ba7b8109dad41d180b400c04fd430c8",
                "AWS_REGION=us-east-1",
                "LAMBDA_RUNTIME_DIR=/data/shims",
                "LAMBDA_TASK_ROOT=/data/slots/1",
                "LANG=en_US.UTF-8",
                "NODE_PATH=/data/shims/node_modules",
                "PATH=/usr/local/bin:/usr/bin:/bin",
                "PWD=/data/slots/1",
                "TZ=:UTC",
                "_HANDLER=index.handler",
            }));
}

TEST(WorkerEnvironmentTest, FunctionsVariablesReplaceDefaultsButNotWhatTheRuntimeSets) {
  auto spec = hello();
  spec.environment = {{"TZ", "Europe/Berlin"}, {"TABLE", "pets=1"}, {"AWS_REGION", "mars-1"}, {"PWD", "/"}};
  auto given = around();
  given.path = "/opt/node/bin:/bin";
  given.temporary_dir = "/data/slots/1.tmp";

  const auto entries = worker_environment(spec, given);

  EXPECT_THAT(entries,
              testing::IsSupersetOf({"TZ=Europe/Berlin", "TABLE=pets=1", "AWS_REGION=us-east-1", "PWD=/data/slots/1",
                                     "PATH=/opt/node/bin:/bin", "TMPDIR=/data/slots/1.tmp"}));
  EXPECT_TRUE(std::is_sorted(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
  }));
}

TEST(WorkerEnvironmentTest, FamilyMarkIsOneOfTheEntries) {
  EXPECT_THAT(worker_environment(hello(), around()), testing::Contains(family_mark(around())));
}

TEST(LoadPayloadTest, TellsTheShimAllThatItNeeds) {
  auto environment = json::object();
  for (const auto& entry : worker_environment(hello(), around()))
    environment[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);

  EXPECT_EQ(json::parse(load_payload(hello(), around())),
            json({{"task_root", "/data/slots/1"},
                  {"handler", "index.handler"},
                  {"function_name", "hello"},
                  {"function_version", "$LATEST"},
                  {"memory_mb", 256},
                  {"concurrency", 4},
                  {"max_answer_bytes", 6291556},
                  {"account_id", "000000000000"},
                  {"region", "us-east-1"},
                  {"log_group", "/aws/lambda/hello"},
                  {"log_stream", "2026/01/31/[$LATEST]6ba7b8109dad41d180b400c04fd430c8"},
                  {"invoked_function_arn", "arn:aws:lambda:us-east-1:000000000000:function:hello"},
                  {"object", ""},
                  {"environment", environment}}));
}
