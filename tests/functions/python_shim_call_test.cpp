// What the Python worker makes of what a handler does: results, exceptions, context, logging, output.
#include <gmock/gmock.h>

#include "python_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

TEST_F(PythonShimTest, AnswersAreWhatJsonDumpsMakes) {
  serve("def handler(event, context):\n  return event");
  EXPECT_EQ(answer({{"a", "\xc3\xa9\xe2\x98\x95\xf0\x9f\x98\x80"}, {"b", json::array({1, nullptr, true})}}),
            "{\"a\": \"\xc3\xa9\xe2\x98\x95\xf0\x9f\x98\x80\", \"b\": [1, null, true]}");
  EXPECT_EQ(answer(json::array()), "[]");
  EXPECT_EQ(answer("text"), "\"text\"");
  EXPECT_EQ(result(call_raw("")).payload, "{}");
  EXPECT_EQ(result(call_raw("null")).payload, "null");
}

TEST_F(PythonShimTest, OlderReleasesEscapeWhatIsNotAscii) {
  serve("def handler(event, context):\n  return '\xc3\xa9'",
        {{"environment", {{"AWS_EXECUTION_ENV", "AWS_Lambda_python3.11"}}}});
  EXPECT_EQ(answer(), R"("\u00e9")");
}

TEST_F(PythonShimTest, BytesAndNanPassAsOnLambda) {
  serve("def handler(event, context):\n  return b'{\"raw\":1}' if event else float('nan')");
  EXPECT_EQ(answer({{"raw", true}}), R"({"raw":1})");
  EXPECT_EQ(answer(), "NaN");
}

TEST_F(PythonShimTest, ExceptionsHaveLambdasShape) {
  serve(
      "class OutOfStock(Exception): pass\n"
      "class Silent(Exception):\n  def __str__(self): raise ValueError()\n"
      "def fail(what):\n"
      "  if what == 'own': raise OutOfStock('none left')\n"
      "  if what == 'chained':\n    try: 1 / 0\n    except ZeroDivisionError as e: raise ValueError('w\xc3\xa9') from "
      "e\n"
      "  if what == 'silent': raise Silent()\n"
      "  if what == 'deep': return fail(what)\n"
      "  assert False\n"
      "def handler(event, context):\n  return fail(event['what'])");
  const auto own = failure({{"what", "own"}});
  EXPECT_EQ(own["errorType"], "OutOfStock");
  EXPECT_EQ(own["errorMessage"], "none left");
  EXPECT_EQ(own["requestId"], "invocation-1");
  ASSERT_EQ(own["stackTrace"].size(), 2U);
  EXPECT_THAT(own["stackTrace"][0].get<std::string>(), HasSubstr("app.py\", line 13, in handler\n    return fail("));
  EXPECT_THAT(logs.at(0).payload, MatchesRegex("\\[ERROR\\]\t[-0-9T:.]+Z\tinvocation-1\tOutOfStock: none left\n"
                                               "Traceback(.|\n)*"));
  EXPECT_EQ(failure({{"what", "chained"}})["errorMessage"], "w\xc3\xa9");
  EXPECT_EQ(failure({{"what", "silent"}})["errorMessage"], "<Silent that cannot be shown>");
  EXPECT_EQ(failure({{"what", "deep"}})["errorType"], "RecursionError");
  EXPECT_EQ(failure({{"what", "assert"}})["errorType"], "AssertionError");
  EXPECT_EQ(failure()["errorType"], "KeyError");
}

TEST_F(PythonShimTest, HandlerOfTheWrongShapeIsATypeErrorWithoutOurFrames) {
  serve("def handler(event):\n  return 1");
  const auto error = failure();
  EXPECT_EQ(error["errorType"], "TypeError");
  EXPECT_EQ(error["errorMessage"], "handler() takes 1 positional argument but 2 were given");
  EXPECT_EQ(error["stackTrace"], json::array());
}

TEST_F(PythonShimTest, WhatJsonCannotSayIsAMarshalError) {
  serve(
      "import datetime, decimal\n"
      "circle = []\ncircle.append(circle)\n"
      "async def later(): pass\n"
      "def handler(event, context):\n"
      "  return [decimal.Decimal(1), {1, 2}, datetime.datetime.now(), circle, later(), '\\ud800', {(1,): 2}][event]");
  EXPECT_EQ(failure(0),
            json({{"errorMessage", "Unable to marshal response: Object of type Decimal is not JSON serializable"},
                  {"errorType", "Runtime.MarshalError"},
                  {"requestId", "invocation-1"},
                  {"stackTrace", json::array()}}));
  for (int n = 1; n < 7; ++n)
    EXPECT_EQ(failure(n)["errorType"], "Runtime.MarshalError") << n;
}

TEST_F(PythonShimTest, EventThatIsNoJsonIsThatCallsError) {
  serve("def handler(event, context):\n  return 1");
  EXPECT_EQ(result(call_raw("{\"a\":")).text, "Runtime.UnmarshalError");
  EXPECT_EQ(answer(), "1");
}

TEST_F(PythonShimTest, ContextHasLambdasMembers) {
  serve(
      "def handler(event, c):\n"
      "  left = c.get_remaining_time_in_millis()\n"
      "  names = [n for n in dir(c) if not n.startswith('_')]\n"
      "  return {'names': names, 'fixed': [c.function_name, c.function_version, c.memory_limit_in_mb, "
      "c.aws_request_id,\n"
      "    c.invoked_function_arn, c.log_group_name, c.log_stream_name], 'left': 50000 < left <= 60000,\n"
      "    'identity': [c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id],\n"
      "    'client': c.client_context and [c.client_context.client.app_title, "
      "c.client_context.client.app_version_code,\n"
      "      c.client_context.custom, c.client_context.env], 'shown': str(c)}",
      {{"memory_mb", 512}});
  buffer out;
  const auto id = append_call(out, "{}", R"({"client":{"app_title":"a"},"custom":{"k":1}})");
  send(out);
  const auto seen = result(id).json();

  EXPECT_EQ(seen["names"], json({"aws_request_id", "client_context", "function_name", "function_version",
                                 "get_remaining_time_in_millis", "identity", "invoked_function_arn", "log",
                                 "log_group_name", "log_stream_name", "memory_limit_in_mb", "tenant_id"}));
  EXPECT_EQ(seen["fixed"],
            json({"tested", "$LATEST", "512", "invocation-1", "arn:aws:lambda:us-east-1:000000000000:function:tested",
                  "/aws/lambda/tested", around.log_stream}));
  EXPECT_EQ(seen["left"], true);
  EXPECT_EQ(seen["identity"], json({nullptr, nullptr}));
  EXPECT_EQ(seen["client"], json({"a", nullptr, {{"k", 1}}, nullptr}));
  EXPECT_EQ(json::parse(answer())["client"], nullptr);
}

TEST_F(PythonShimTest, ClientContextThatIsNoObjectIsThatCallsError) {
  serve("def handler(event, context):\n  return 1");
  buffer out;
  const auto broken = append_call(out, "{}", "{");
  const auto list = append_call(out, "{}", "[]");
  send(out);
  EXPECT_EQ(result(broken).text, "Runtime.LambdaContextUnmarshalError");
  EXPECT_EQ(result(list).text, "Runtime.LambdaContextUnmarshalError");
}

TEST_F(PythonShimTest, LoggingGoesThroughOneHandlerAtWarning) {
  serve(
      "import logging\n"
      "log = logging.getLogger('mine')\n"
      "def handler(event, context):\n"
      "  if event: logging.getLogger().setLevel(logging.INFO)\n"
      "  log.info('quiet %d', 1)\n"
      "  logging.warning('two\\nlines %s', '\xc3\xa9')\n"
      "  context.log('said\\n')\n"
      "  try: 1 / 0\n"
      "  except ZeroDivisionError: log.exception('caught')\n"
      "  return len(logging.getLogger().handlers)");
  EXPECT_EQ(answer(), "1");
  ASSERT_EQ(logs.size(), 3U);
  EXPECT_THAT(logs[0].payload, MatchesRegex("\\[WARNING\\]\t[-0-9T:]+[.][0-9]{3}Z\tinvocation-1\ttwo\nlines \xc3\xa9"));
  EXPECT_EQ(logs[0].text, "invocation-1");
  EXPECT_EQ(logs[0].call_id, 1U);
  EXPECT_EQ(logs[1].payload, "said");
  EXPECT_THAT(logs[2].payload, StartsWith("[ERROR]\t"));
  EXPECT_THAT(logs[2].payload, EndsWith("ZeroDivisionError: division by zero"));
  EXPECT_EQ(answer({{"louder", true}}), "1");
  EXPECT_THAT(logs.at(3).payload, MatchesRegex("\\[INFO\\]\t.*Z\tinvocation-2\tquiet 1"));
}

TEST_F(PythonShimTest, PrintedLinesStayInOrderOnTheOutput) {
  serve(
      "import sys, os\n"
      "def handler(event, context):\n"
      "  print('one'); print('two', file=sys.stderr); os.system('echo three'); print('four')");
  EXPECT_EQ(answer(), "null");
  for (const auto* line : {"one", "two", "three", "four"})
    EXPECT_EQ(read_line(worker.output.get()), line);
  EXPECT_TRUE(logs.empty());
}

TEST_F(PythonShimTest, TraceIsInTheEnvironmentOfTheCall) {
  serve(
      "import os, subprocess\n"
      "def handler(event, context):\n"
      "  return [os.environ['_X_AMZN_TRACE_ID'], subprocess.getoutput('echo $_X_AMZN_TRACE_ID')]");
  EXPECT_EQ(answer(), R"(["Root=1-5e6722a7-1", "Root=1-5e6722a7-1"])");
  EXPECT_EQ(answer(), R"(["Root=1-5e6722a7-2", "Root=1-5e6722a7-2"])");
}

}  // namespace troupe::functions::testing
