// How the host of native functions runs a shared object, and how it lives and dies.
#include "functions/native_host.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "functions/native_library.hpp"
#include "native_host_fixture.hpp"

namespace troupe::functions::testing {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

class no_log final : public function_log {
public:
  void write(const invocation&, std::string_view) noexcept override {}
};

}  // namespace

TEST_F(NativeHostTest, HandlerSeesWhatItSeesInsideTheNode) {
  serve();
  const auto route = std::make_shared<const std::string>("POST /pets/{id}");
  native_case full{"/pets/%2F%ff", std::string_view{"\0binary\xff\r\n", 10}};
  full.request->query = "a=%20b&c";
  full.request->fields = {{"Host", "here"}, {"X-Twice", "1"}, {"x-twice", "\xe9\x01"}, {"x-none", ""}};
  full.call.route_key = route;
  full.call.parameters.emplace_back(std::string_view{*route}.substr(12, 2), "/\xff");
  native_case bare{"/"};
  native_case direct{"", ""};
  direct.call.request = nullptr;
  direct.call.json = R"({"a":1})";

  ::setenv("NATIVE_HANDLER_MAY_EXIT", "1", 1);
  const auto library = native_library::open(object);
  ASSERT_TRUE(library) << library.error().what;
  std::uint64_t last = 0;
  for (auto* each : {&full, &bare, &direct}) {
    no_log log;
    const auto inside = (*library)->call(each->call, log);
    const auto& expected = std::get<native_response>(inside->value);
    // The worker's invocation ids are counted by the fixture.
    char id[36];
    format(each->call.invocation_id, id);
    std::string body{expected.body.view()};
    body.replace(body.rfind(std::string_view{id, sizeof id}), sizeof id, invocation_of(++last));

    const auto frame = result(call_raw(each->payload()));
    ASSERT_EQ(frame.kind, frame_kind::answer);
    const auto answer = read_native_answer(frame.payload);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, expected.status);
    EXPECT_EQ(answer->headers, expected.headers);
    EXPECT_EQ(answer->body.view(), body);
  }
}

TEST_F(NativeHostTest, ExceptionsAreErrorsAsInsideTheNode) {
  serve();
  const auto thrown = result(send_call("/throw"));
  EXPECT_EQ(thrown.kind, frame_kind::error);
  EXPECT_EQ(thrown.text, "Error");
  EXPECT_EQ(thrown.payload, R"({"errorType":"Error","errorMessage":"out of \"stock\"","trace":[]})");
  EXPECT_THAT(result(send_call("/throw-other")).payload, HasSubstr("an exception that is no std::exception"));
  EXPECT_THAT(body_of("/"), StartsWith("http "));
}

TEST_F(NativeHostTest, GenericWorkerTakesOverTheFunctionsSurroundings) {
  starts_generic = true;
  spec.environment = {{"GREETING", "h\xc3\xa9"}};
  serve();
  EXPECT_EQ(body_of("/environment", "GREETING"), "h\xc3\xa9");
  EXPECT_EQ(body_of("/environment", "AWS_LAMBDA_FUNCTION_NAME"), "tested");
  EXPECT_EQ(body_of("/environment", "OF_THE_STEM"), "(none)");
  EXPECT_EQ(body_of("/folder"), folder.path().string());
}

TEST_F(NativeHostTest, LinesOfTheHandlerCarryItsCall) {
  serve();
  body_of("/log", "first \xc3\xa9");
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_EQ(logs[0].payload, "first \xc3\xa9");
  EXPECT_EQ(logs[0].text, "invocation-1");
  EXPECT_EQ(logs[1].payload, "second");
  EXPECT_EQ(logs[1].call_id, 1U);
}

TEST_F(NativeHostTest, FloodOfLinesNeitherWaitsNorGrows) {
  serve();
  const auto flooding = send_call("/flood");
  const auto next = send_call("/log", "after");
  ASSERT_TRUE(wait_until([&] { return runs(pid); }));
  EXPECT_EQ(result(flooding).kind, frame_kind::answer);
  EXPECT_EQ(result(next).kind, frame_kind::answer);
  EXPECT_LT(logs.size(), 100'003U);
}

TEST_F(NativeHostTest, PrintedLinesAreSeenAtOnce) {
  serve();
  send_call("/print", "one");
  send_call("/print", "two");
  EXPECT_EQ(read_line(worker.output.get()), "one");
  EXPECT_EQ(read_line(worker.output.get()), "two");
}

TEST_F(NativeHostTest, AnswerOverTheLimitIsRefusedByName) {
  serve();
  EXPECT_EQ(body_of("/large", "6000000").size(), 6'000'000U);
  const auto refused = result(send_call("/large", "6291556"));
  EXPECT_EQ(refused.text, "Function.ResponseSizeTooLarge");
  EXPECT_EQ(refused.payload, response_too_big_payload(6'291'556));
  EXPECT_EQ(body_of("/large", "1").size(), 1U);
}

TEST_F(NativeHostTest, BatchRunsInOrder) {
  serve();
  buffer out;
  for (int n = 1; n <= 300; ++n)
    append_call(out, native_case{"/log", std::to_string(n)}.payload());
  send(out);
  for (std::uint64_t id = 1; id <= 300; ++id)
    EXPECT_EQ(result(id).kind, frame_kind::answer);
  ASSERT_EQ(logs.size(), 600U);
  for (std::size_t n = 0; n < 300; ++n)
    EXPECT_EQ(logs[2 * n].payload, std::to_string(n + 1));
}

TEST_F(NativeHostTest, CancelsOnlyWhatHasNotStarted) {
  serve();
  const auto file = folder.path() / "go";
  const auto head = send_call("/wait", file.string());
  const auto next = send_call("/");
  const auto last = send_call("/");
  ASSERT_EQ(receive().kind, frame_kind::log);
  buffer out;
  append_cancel(out, head);
  append_cancel(out, next);
  append_ping(out, 77);
  send(out);
  folder.write("go", "");
  EXPECT_EQ(result(head).kind, frame_kind::answer);
  EXPECT_EQ(result(next).kind, frame_kind::cancelled);
  EXPECT_EQ(result(last).kind, frame_kind::answer);
  EXPECT_EQ(result(77).kind, frame_kind::pong);  // only between two calls
}

TEST_F(NativeHostTest, CallsOverlapUpToTheConcurrency) {
  serve({{"concurrency", 3}});
  const auto first = send_call("/meet", "3");
  const auto second = send_call("/meet", "3");
  buffer out;
  append_ping(out, 77);
  send(out);
  EXPECT_EQ(receive().kind, frame_kind::pong);
  const auto third = send_call("/meet", "3");
  for (const auto id : {first, second, third})
    EXPECT_EQ(result(id).kind, frame_kind::answer);
}

TEST_F(NativeHostTest, FourthOfThreeCallsWaitsAndMayBeCancelled) {
  serve({{"concurrency", 3}});
  const auto file = folder.path() / "go";
  for (int i = 0; i < 3; ++i)
    send_call("/wait", file.string());
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(receive().kind, frame_kind::log);
  const auto fourth = send_call("/");
  buffer out;
  append_cancel(out, fourth);
  append_stop(out);
  send(out);
  EXPECT_EQ(receive().kind, frame_kind::cancelled);
  folder.write("go", "");
  for (std::uint64_t id = 1; id <= 3; ++id)
    EXPECT_EQ(result(id).kind, frame_kind::answer);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NativeHostTest, StopFinishesWhatRunsAndGivesBackTheRest) {
  serve();
  const auto file = folder.path() / "go";
  const auto running = send_call("/wait", file.string());
  ASSERT_EQ(receive().kind, frame_kind::log);
  const auto waiting = send_call("/");
  buffer out;
  append_stop(out);
  send(out);
  folder.write("go", "");
  EXPECT_EQ(result(running).kind, frame_kind::answer);
  EXPECT_EQ(result(waiting).kind, frame_kind::cancelled);
  // The object has a static destructor that never returns.
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NativeHostTest, StopEndsAWorkerThatHasNoFunctionYet) {
  start(files{}, "");
  buffer out;
  append_stop(out);
  send(out);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NativeHostTest, EndOfTheChannelEndsTheWorker) {
  serve();
  worker.channel.reset();
  EXPECT_EQ(exit_status(), 0);
}

/// Sanitizers catch the signal, report it and end the process themselves.
bool was_segmentation_fault(int status) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return status != 0;
#else
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
#endif
}

TEST_F(NativeHostTest, CrashOfTheHandlerIsTheEndOfItsProcess) {
  serve();
  EXPECT_EQ(result(send_call("/crash")).kind, frame_kind::unknown);
  EXPECT_TRUE(was_segmentation_fault(next<worker_exited>().wait_status));
}

TEST_F(NativeHostTest, StackOverflowIsTheEndOfItsProcess) {
  serve();
  EXPECT_EQ(result(send_call("/overflow")).kind, frame_kind::unknown);
  EXPECT_TRUE(was_segmentation_fault(next<worker_exited>().wait_status));
}

TEST_F(NativeHostTest, ExitOfTheHandlerIsTheProcesssOwn) {
  serve();
  EXPECT_EQ(result(send_call("/exit")).kind, frame_kind::unknown);
  EXPECT_EQ(exit_status(), 5);
}

TEST_F(NativeHostTest, ChildrenOfTheHandlerDoNotGetTheChannel) {
  serve();
  EXPECT_NE(body_of("/descriptors"), "0");
}

TEST_F(NativeHostTest, SaysWhyAnObjectDoesNotLoad) {
  folder.write("none.so", "no object");
  object = (folder.path() / "none.so").string();
  const auto error = load_failure(files{}, "");
  EXPECT_EQ(error["errorType"], "Runtime.InvalidEntrypoint");
  EXPECT_THAT(error["errorMessage"].get<std::string>(), StartsWith("Error: cannot load the shared object: "));
  EXPECT_THAT(error["errorMessage"].get<std::string>(), HasSubstr("none.so"));
}

}  // namespace troupe::functions::testing
