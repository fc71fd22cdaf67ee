// What the Node.js worker makes of what a handler does: results, errors, callbacks, context, console.
#include <gmock/gmock.h>

#include "node_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST_F(NodeShimTest, AnswersAreTheHandlersJsonByteForByte) {
  serve("exports.handler = async (event) => event.undefined ? undefined : event;");
  EXPECT_EQ(answer({{"a", "\xc3\xa9\xe2\x98\x95\xf0\x9f\x98\x80"}, {"b", json::array({1, nullptr, true})}}),
            "{\"a\":\"\xc3\xa9\xe2\x98\x95\xf0\x9f\x98\x80\",\"b\":[1,null,true]}");
  EXPECT_EQ(answer({{"undefined", true}}), "null");
  EXPECT_EQ(answer(json::array()), "[]");
  EXPECT_EQ(answer("text"), "\"text\"");
}

TEST_F(NodeShimTest, ErrorsHaveLambdasShape) {
  serve(R"(class OutOfStock extends Error { constructor() { super('none\x7f left'); this.name = 'OutOfStock'; } }
    exports.handler = (event) => {
      switch (event.what) {
        case 'throw': throw new TypeError('boom');
        case 'reject': return Promise.reject(new OutOfStock());
        case 'text': return Promise.reject('just text');
        case 'nothing': return Promise.reject();
        case 'number': throw 42;
      }
    };)");
  const auto thrown = failure({{"what", "throw"}});
  EXPECT_EQ(thrown["errorType"], "TypeError");
  EXPECT_EQ(thrown["errorMessage"], "boom");
  EXPECT_EQ(thrown["trace"][0], "TypeError: boom");
  EXPECT_THAT(thrown["trace"][1].get<std::string>(), HasSubstr("index.js:4"));
  EXPECT_THAT(logs.at(0).payload, HasSubstr("\tinvocation-1\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\","));
  const auto rejected = failure({{"what", "reject"}});
  EXPECT_EQ(rejected["errorType"], "OutOfStock");
  EXPECT_EQ(rejected["errorMessage"], "none%7F left");
  EXPECT_EQ(failure({{"what", "text"}}),
            json({{"errorType", "string"}, {"errorMessage", "just text"}, {"trace", json::array()}}));
  EXPECT_EQ(failure({{"what", "nothing"}})["errorMessage"], "handled");
  EXPECT_EQ(failure({{"what", "number"}}),
            json({{"errorType", "number"}, {"errorMessage", "42"}, {"trace", json::array()}}));
}

TEST_F(NodeShimTest, WhatJsonCannotSayIsAnError) {
  serve(R"(exports.handler = async (event) => {
    const circle = {}; circle.circle = circle;
    return [circle, { big: 1n }, () => 1, Symbol('s')][event.n]; };)");
  for (int n = 0; n < 4; ++n)
    EXPECT_EQ(failure({{"n", n}})["errorMessage"], "Unable to stringify response body") << n;
}

TEST_F(NodeShimTest, EventThatIsNoJsonIsThatCallsError) {
  serve("exports.handler = async () => 1;");
  buffer out;
  const auto id = append_call(out, "{\"a\":");
  send(out);
  EXPECT_EQ(result(id).text, "SyntaxError");
  EXPECT_EQ(answer(), "1");
}

TEST_F(NodeShimTest, SyncReturnValueIsIgnored) {
  serve("exports.handler = () => 'ignored';");
  EXPECT_EQ(answer(), "null");
}

TEST_F(NodeShimTest, CallbackAnswersWhenTheLoopIsEmpty) {
  serve(R"(exports.handler = (event, context, callback) => {
    setTimeout(() => console.log('still working'), 30);
    callback(null, { done: true });
    callback(null, 'second');
    context.succeed('third');
  };)");
  EXPECT_EQ(answer(), R"({"done":true})");
  ASSERT_EQ(logs.size(), 1U);
  EXPECT_THAT(logs[0].payload, EndsWith("\tinvocation-1\tINFO\tstill working"));
  EXPECT_EQ(answer(), R"({"done":true})");
}

TEST_F(NodeShimTest, CallbackAnswersAtOnceWhenToldNotToWait) {
  serve(R"(exports.handler = (event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setInterval(() => {}, 60000);
    callback(null, 'at once');
  };)");
  EXPECT_EQ(answer(), R"("at once")");
  EXPECT_EQ(answer(), R"("at once")");
}

TEST_F(NodeShimTest, CallbackErrorsAnswerAtOnce) {
  serve(
      "exports.handler = (event, context, callback) => { setInterval(() => {}, 60000); callback(new "
      "RangeError('far')); };");
  EXPECT_EQ(failure()["errorType"], "RangeError");
}

TEST_F(NodeShimTest, LateCallbackSettlesTheCall) {
  serve("exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event.n), 20); };");
  EXPECT_EQ(answer({{"n", 5}}), "5");
  EXPECT_EQ(answer({{"n", 6}}), "6");
}

TEST_F(NodeShimTest, ContextMethodsAnswerAtOnceAndOnce) {
  serve(R"(exports.handler = (event, context) => {
    setInterval(() => {}, 60000);
    switch (event.what) {
      case 'succeed': context.succeed(1); context.fail('late'); break;
      case 'fail': context.fail(new Error('failed')); context.succeed(2); break;
      case 'fail without reason': context.fail(); break;
      case 'done': context.done(null, 3); break;
      case 'done with error': context.done('bad'); break;
    }
  };)");
  EXPECT_EQ(answer({{"what", "succeed"}}), "1");
  EXPECT_EQ(failure({{"what", "fail"}})["errorMessage"], "failed");
  EXPECT_EQ(failure({{"what", "fail without reason"}})["errorMessage"], "handled");
  EXPECT_EQ(answer({{"what", "done"}}), "3");
  EXPECT_EQ(failure({{"what", "done with error"}})["errorMessage"], "bad");
}

TEST_F(NodeShimTest, PromiseThatIsNeverSettledIsAnError) {
  serve("exports.handler = async (event) => event.hang ? new Promise(() => {}) : 'fine';");
  const auto error = failure({{"hang", true}});
  EXPECT_EQ(error["errorType"], "Runtime.NodeJsExit");
  EXPECT_THAT(error["errorMessage"].get<std::string>(), HasSubstr("a Promise that was never settled"));
  EXPECT_EQ(answer(), R"("fine")");
}

TEST_F(NodeShimTest, CallbackThatIsNeverCalledIsNull) {
  serve("exports.handler = (event, context, callback) => { setTimeout(() => {}, 10); };");
  EXPECT_EQ(answer(), "null");
  EXPECT_EQ(answer(), "null");
}

TEST_F(NodeShimTest, AsyncAnswerDoesNotWaitForTheLoop) {
  serve("exports.handler = async () => { setInterval(() => {}, 60000); await null; return 'now'; };");
  EXPECT_EQ(answer(), R"("now")");
}

TEST_F(NodeShimTest, ContextHasExactlyLambdasKeys) {
  serve(R"(exports.handler = async (event, context) => ({
    keys: Object.keys(context).sort(), visible: context, left: context.getRemainingTimeInMillis(),
    identity: context.identity === undefined && context.tenantId === undefined });)",
        {{"memory_mb", 512}});
  buffer out;
  const auto id = append_call(out, "{}", R"({"client":{"app":"a"}})");
  send(out);
  const auto seen = result(id).json();

  EXPECT_EQ(seen["keys"],
            json({"awsRequestId", "callbackWaitsForEmptyEventLoop", "clientContext", "done", "fail", "functionName",
                  "functionVersion", "getRemainingTimeInMillis", "identity", "invokedFunctionArn", "logGroupName",
                  "logStreamName", "memoryLimitInMB", "succeed", "tenantId"}));
  EXPECT_EQ(seen["visible"]["awsRequestId"], invocation_of(id));
  EXPECT_EQ(seen["visible"]["functionName"], "tested");
  EXPECT_EQ(seen["visible"]["functionVersion"], "$LATEST");
  EXPECT_EQ(seen["visible"]["memoryLimitInMB"], "512");
  EXPECT_EQ(seen["visible"]["logGroupName"], "/aws/lambda/tested");
  EXPECT_EQ(seen["visible"]["invokedFunctionArn"], "arn:aws:lambda:us-east-1:000000000000:function:tested");
  EXPECT_EQ(seen["visible"]["callbackWaitsForEmptyEventLoop"], true);
  EXPECT_EQ(seen["visible"]["clientContext"], json({{"client", {{"app", "a"}}}}));
  EXPECT_GT(seen["left"], 30'000);
  EXPECT_LE(seen["left"], 60'000);
  EXPECT_EQ(seen["identity"], true);
}

TEST_F(NodeShimTest, TraceIdIsInTheEnvironmentOfTheCallAndOfItsChildren) {
  serve(R"(exports.handler = async (event) => [process.env._X_AMZN_TRACE_ID, '_X_AMZN_TRACE_ID' in process.env,
    event.spawn ? require('child_process').execSync('echo -n $_X_AMZN_TRACE_ID').toString() : '',
    process.env.PATH !== undefined && process.env.toString === Object.prototype.toString ];)");
  EXPECT_EQ(answer({{"spawn", true}}), R"(["Root=1-5e6722a7-1",true,"Root=1-5e6722a7-1",true])");
  EXPECT_EQ(answer(), R"(["Root=1-5e6722a7-2",true,"",true])");
}

TEST_F(NodeShimTest, ConsoleLinesCarryTimeCallAndLevel) {
  serve(R"(console.log('loading');
    exports.handler = async () => {
      console.log('a %s and %d', 'text', 7, { deep: { er: [1] } });
      console.info('i'); console.debug('d'); console.warn('w'); console.error('two\nlines'); console.trace('t');
    };)");
  const auto id = call();
  result(id);
  ASSERT_EQ(logs.size(), 7U);
  EXPECT_EQ(logs[0].call_id, 0U);
  EXPECT_THAT(logs[0].payload, EndsWith("\tundefined\tINFO\tloading"));
  EXPECT_THAT(logs[1].payload,
              MatchesRegex("[0-9-]+T[0-9:.]+Z\tinvocation-1\tINFO\ta text and 7 . deep: . er: . 1 . . ."));
  std::vector<std::string> ends;
  for (std::size_t i = 2; i < logs.size(); ++i) {
    EXPECT_EQ(logs[i].call_id, id);
    EXPECT_EQ(logs[i].text, "invocation-1");
    ends.push_back(logs[i].payload.substr(logs[i].payload.find("invocation-1\t") + 13));
  }
  EXPECT_THAT(ends, ElementsAre("INFO\ti", "DEBUG\td", "WARN\tw", "ERROR\ttwo\nlines", "TRACE\tt"));
}

TEST_F(NodeShimTest, OutputOfTheProcessStaysOnItsOwnDescriptor) {
  serve("exports.handler = async () => { process.stdout.write('out\\n'); process.stderr.write('err\\n'); };");
  EXPECT_EQ(answer(), "null");
  EXPECT_EQ(read_line(worker.output.get()), "out");
  EXPECT_EQ(read_line(worker.output.get()), "err");
  EXPECT_TRUE(logs.empty());
}

TEST_F(NodeShimTest, FloodOfLinesIsBoundedAndCounted) {
  serve(R"(const long = 'x'.repeat(1000);
    exports.handler = async (event) => {
      for (let i = 0; i < event.lines; ++i) console.log(long);
      require('fs').writeFileSync(event.said, '');
      return 'done';
    };)");
  const auto said = folder.path() / "said";
  const auto id = call({{"lines", 20'000}, {"said", said.string()}});
  // Nothing is read until the handler has said all: it must not wait for us.
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(said); }));
  EXPECT_EQ(result(id).payload, R"("done")");
  EXPECT_GT(logs.size(), 500U);
  EXPECT_LT(logs.size(), 20'000U);
  answer({{"lines", 1}, {"said", said.string()}});
  const auto notice = std::find_if(logs.begin(), logs.end(), [](const auto& line) {
    return line.payload.find(" lines dropped: more than the node could take") != std::string::npos;
  });
  EXPECT_NE(notice, logs.end());
}

}  // namespace troupe::functions::testing
