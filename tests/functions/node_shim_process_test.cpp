// How the Node.js worker lives with its node: batches, overlapping calls, large frames, streams, its end.
// What it has in common with others: shim_queue_test.
#include <gmock/gmock.h>

#include "functions/memory_use.hpp"
#include "node_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(NodeShimTest, BatchRunsInOrderOneAtATime) {
  serve(R"(let running = 0, most = 0, order = 0;
    exports.handler = async (event) => {
      most = Math.max(most, ++running);
      await null;
      if (event.n % 10 === 0) await new Promise((done) => setTimeout(done, 1));
      --running;
      return [event.n, ++order, most];
    };)");
  buffer out;
  for (int n = 1; n <= 200; ++n)
    append_call(out, json({{"n", n}}).dump());
  send(out);
  for (std::uint64_t id = 1; id <= 200; ++id)
    EXPECT_EQ(result(id).json(), json({id, id, 1}));
}

TEST_F(NodeShimTest, LargeEventsAndAnswersPass) {
  serve("exports.handler = async (event) => event.text.repeat(event.times);");
  const std::string text(5 << 20, 'e');
  EXPECT_EQ(answer({{"text", text}, {"times", 1}}).size(), text.size() + 2);
  // Many between a slab's worth and a megabyte, with small ones among them, in one batch.
  buffer out;
  for (int times : {1, 20'000, 2, 200'000, 3, 16'384, 16'385})
    append_call(out, json({{"text", "\xc3\xa9"}, {"times", times}}).dump());
  send(out);
  std::uint64_t id = 1;
  for (const std::size_t times : {1, 20'000, 2, 200'000, 3, 16'384, 16'385})
    EXPECT_EQ(result(++id).payload.size(), 2 * times + 2);
}

TEST_F(NodeShimTest, MemoryDoesNotGrowWithWhatWasAnswered) {
  serve("exports.handler = async () => 'x'.repeat(100);");
  const auto serve_batches = [&](int count) {
    for (; count > 0; --count) {
      buffer out;
      std::uint64_t last = 0;
      for (int n = 0; n < 30; ++n)
        last = append_call(out, "{}");
      send(out);
      for (auto id = last - 29; id <= last; ++id)
        ASSERT_EQ(result(id).payload.size(), 102U);
    }
  };
  const auto resident_kb = [&] { return memory_of(pid).resident_kb; };
  serve_batches(10);
  const auto before = resident_kb();
  serve_batches(10'000);
  EXPECT_LT(resident_kb(), before + 30'000);
}

TEST_F(NodeShimTest, OverlappingCallsKeepTheirLinesAndTracesApart) {
  serve(R"(const waiting = [];
    exports.handler = async (event) => {
      console.log('begin', event.n);
      await new Promise((done) => { waiting.push(done); if (waiting.length === 3) waiting.forEach((go) => go()); });
      console.log('end', event.n, process.env._X_AMZN_TRACE_ID);
      return event.n;
    };)",
        {{"concurrency", 3}});
  buffer out;
  for (int n = 1; n <= 3; ++n)
    append_call(out, json({{"n", n}}).dump());
  send(out);
  for (std::uint64_t id = 1; id <= 3; ++id)
    EXPECT_EQ(result(id).payload, std::to_string(id));
  ASSERT_EQ(logs.size(), 6U);
  for (const auto& line : logs) {
    const auto n = std::to_string(line.call_id);
    EXPECT_EQ(line.text, invocation_of(line.call_id));
    EXPECT_THAT(line.payload, ::testing::AnyOf(EndsWith("begin " + n), EndsWith("end " + n + " Root=1-5e6722a7-" + n)));
  }
}

TEST_F(NodeShimTest, OverlappingCallbacksAnswerAtTheCallback) {
  serve("exports.handler = (event, context, callback) => { setInterval(() => {}, 60000); callback(null, event.n); };",
        {{"concurrency", 2}});
  EXPECT_EQ(answer({{"n", 1}}), "1");
  EXPECT_EQ(answer({{"n", 2}}), "2");
}

TEST_F(NodeShimTest, AnswersPingsWhileACallWaits) {
  serve("exports.handler = async (event) => { await new Promise((done) => setTimeout(done, 60000)); };");
  call();
  buffer out;
  append_ping(out, 77);
  send(out);
  const auto pong = receive();
  EXPECT_EQ(pong.kind, frame_kind::pong);
  EXPECT_EQ(pong.call_id, 77U);
}

TEST_F(NodeShimTest, StopFinishesWhatRunsAndGivesBackTheRest) {
  serve(R"(exports.handler = async () => {
    console.log('started'); await new Promise((done) => setTimeout(done, 50)); return 'finished'; };)");
  buffer out;
  const auto running = append_call(out, "{}");
  send(out);
  ASSERT_EQ(receive().kind, frame_kind::log);
  out.clear();
  const auto waiting = append_call(out, "{}");
  append_stop(out);
  send(out);
  EXPECT_EQ(result(waiting).kind, frame_kind::cancelled);
  EXPECT_EQ(result(running).payload, R"("finished")");
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NodeShimTest, StopEndsAnIdleWorker) {
  serve("setInterval(() => {}, 60000); exports.handler = async () => 1;");
  buffer out;
  append_stop(out);
  send(out);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NodeShimTest, EndOfTheChannelEndsTheWorker) {
  serve("exports.handler = async () => new Promise((done) => setTimeout(done, 60000));");
  call();
  worker.channel.reset();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(NodeShimTest, ExitOfTheHandlerLosesNoLine) {
  serve(
      "exports.handler = async (event) => { for (let i = 0; i < 50; ++i) console.log('line', i); process.exit(3); };");
  EXPECT_EQ(result(call()).kind, frame_kind::unknown);
  ASSERT_EQ(logs.size(), 50U);
  EXPECT_THAT(logs.back().payload, EndsWith("line 49"));
  EXPECT_EQ(exit_status(), 3);
}

TEST_F(NodeShimTest, LinesBeforeAnEndlessLoopAreSeen) {
  serve("exports.handler = async () => { console.log('one'); console.log('two'); for (;;); };");
  call();
  EXPECT_THAT(receive().payload, EndsWith("one"));
  EXPECT_THAT(receive().payload, EndsWith("two"));
  ASSERT_TRUE(send_kill(spawner.control, pid, SIGKILL, kill_scope::process_group));
  EXPECT_EQ(exit_status(), -1);
}

TEST_F(NodeShimTest, UncaughtExceptionFailsTheCallAndEndsTheProcess) {
  serve(
      "exports.handler = async () => { setTimeout(() => { throw new Error('stray'); }, 5); await new Promise(() => "
      "{}); };");
  const auto error = failure();
  EXPECT_EQ(error["errorType"], "Error");
  EXPECT_EQ(error["errorMessage"], "stray");
  EXPECT_THAT(logs.at(0).payload, HasSubstr("\tinvocation-1\tERROR\tUncaught Exception \t{"));
  EXPECT_EQ(exit_status(), 129);
}

TEST_F(NodeShimTest, UnhandledRejectionFailsTheCallAndEndsTheProcess) {
  serve(R"(exports.handler = async () => {
    Promise.reject(new Error('forgotten')); await new Promise((done) => setTimeout(done, 60000)); };)");
  const auto error = failure();
  EXPECT_EQ(error["errorType"], "Runtime.UnhandledPromiseRejection");
  EXPECT_EQ(error["errorMessage"], "Error: forgotten");
  EXPECT_THAT(logs.at(0).payload, HasSubstr("\tERROR\tUnhandled Promise Rejection \t{"));
  EXPECT_EQ(exit_status(), 128);
}

TEST_F(NodeShimTest, StateOfTheModuleStaysBetweenCalls) {
  serve("let calls = 0; exports.handler = async () => ++calls;");
  EXPECT_EQ(answer(), "1");
  EXPECT_EQ(answer(), "2");
}

TEST_F(NodeShimTest, ChildrenOfTheHandlerDoNotGetTheChannel) {
  serve("exports.handler = async () => require('child_process').execSync('ls -l /proc/self/fd').toString();");
  EXPECT_THAT(answer(), Not(HasSubstr(" 3 -> socket:")));
}

TEST_F(NodeShimTest, StreamedAnswersAreGathered) {
  serve(R"(exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
      if (event.meta) stream = awslambda.HttpResponseStream.from(stream, event.meta);
      if (event.type) stream.setContentType(event.type);
      stream.write('first '); await null; stream.write(event.binary ? Buffer.from([255, 0]) : context.functionName);
      if (!event.open) stream.end();
    });)");
  EXPECT_EQ(answer(), "first tested");
  EXPECT_EQ(json::parse(answer({{"type", "text/html"}})), json({{"statusCode", 200},
                                                                {"headers", {{"content-type", "text/html"}}},
                                                                {"body", "first tested"},
                                                                {"isBase64Encoded", false}}));
  EXPECT_EQ(json::parse(answer({{"meta", {{"statusCode", 201}, {"cookies", {"a=b"}}}}, {"binary", true}})),
            json({{"statusCode", 201}, {"cookies", {"a=b"}}, {"body", "Zmlyc3Qg/wA="}, {"isBase64Encoded", true}}));
  const auto open = failure({{"open", true}});
  EXPECT_EQ(open["errorType"], "Runtime.InvalidStreamingOperation");
  EXPECT_EQ(open["errorMessage"], "Response stream is not finished.");
}

TEST_F(NodeShimTest, StreamingHandlersMustBeAsync) {
  serve("exports.handler = awslambda.streamifyResponse((event, stream) => { stream.end(); });");
  EXPECT_EQ(failure()["errorType"], "Runtime.MalformedStreamingHandler");
}

}  // namespace troupe::functions::testing
