#include "http/control_api/lambda_invoke.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::http;
using functions::failure;
using functions::outcome;

namespace {

struct field {
  std::string_view name;
  std::string_view value;
};

lambda_result<invoke_request> parse(std::initializer_list<field> fields, std::string_view body = {}) {
  functions::http_request request;
  for (const auto& each : fields)
    request.fields.push_back({each.name, each.value});
  request.body.append(body);
  return parse_invoke(request);
}

/// A call of a function that may run for a second.
struct invocation_of_test : functions::invocation {
  explicit invocation_of_test(bool tail = false) {
    functions::function_spec spec;
    spec.timeout = milliseconds{1000};
    function = std::make_shared<const functions::function_spec>(spec);
    invocation_id = parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    wants_log_tail = tail;
  }
};

reply reply_to_failure(errc code, std::string payload = {}, std::string detail = "detail") {
  outcome what;
  what.value = failure{code, std::move(payload), std::move(detail)};
  return invoke_reply(std::move(what), invocation_of_test{}, "arn");
}

bool has(const reply& what, std::string_view line) {
  return what.fields.find(std::string{line} + "\r\n") != std::string::npos;
}

}  // namespace

TEST(LambdaInvokeTest, APayloadIsAnyJsonAndMayBeMissing) {
  EXPECT_EQ(parse({})->payload, "{}");
  EXPECT_EQ(parse({}, "{\"a\": 1}")->payload, "{\"a\": 1}");
  for (const auto* text : {"1", "null", "\"x\"", "[]", " {} "})
    EXPECT_EQ(parse({}, text)->payload, text);
}

TEST(LambdaInvokeTest, WhatIsNotJsonIsRefused) {
  for (const auto* text : {"{", "x", "{}{}", "\"", "{\"a\":}", "\"\xff\""}) {
    const auto why = parse({}, text).error();
    EXPECT_EQ(why.status, 400u) << text;
    EXPECT_EQ(why.type, "InvalidRequestContentException");
    EXPECT_EQ(why.message.find("Could not parse request body into json: Could not parse payload into json: "), 0u);
  }
}

TEST(LambdaInvokeTest, APayloadAboveTheLimitIsTooLarge) {
  const auto why = parse({}, "\"" + std::string(max_invoke_bytes, 'x') + "\"").error();

  EXPECT_EQ(why.status, 413u);
  EXPECT_EQ(why.type, "RequestTooLargeException");
  EXPECT_EQ(why.message, "Request must be smaller than 6291456 bytes for the InvokeFunction operation");
}

TEST(LambdaInvokeTest, HeadersSayHow) {
  const auto request = parse({{"X-Amz-Invocation-Type", "DryRun"},
                              {"X-Amz-Log-Type", "Tail"},
                              {"X-Amz-Client-Context", "eyJhIjoxfQ=="},
                              {"X-Amzn-Trace-Id", "Root=1-2-3"}});

  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->dry_run);
  EXPECT_TRUE(request->wants_log_tail);
  EXPECT_EQ(request->client_context, "{\"a\":1}");
  EXPECT_EQ(request->trace, "Root=1-2-3");
}

TEST(LambdaInvokeTest, OtherKindsAreRefusedByName) {
  const auto event = parse({{"X-Amz-Invocation-Type", "Event"}}).error();

  EXPECT_EQ(event.type, "InvalidParameterValueException");
  EXPECT_NE(event.message.find("Event"), std::string::npos);
  EXPECT_EQ(parse({{"X-Amz-Invocation-Type", "x"}}).error().type, "InvalidParameterValueException");
  EXPECT_EQ(parse({{"X-Amz-Log-Type", "x"}}).error().type, "InvalidParameterValueException");
  for (const auto* context : {"???", "e30x", "MQ==", "W10="})
    EXPECT_EQ(parse({{"X-Amz-Client-Context", context}}).error().type, "InvalidRequestContentException") << context;
}

TEST(LambdaInvokeTest, AnAnswerIsPassedOnByteForByte) {
  outcome what;
  what.value = functions::json_answer{buffer{"{\"a\": 1 }"}};
  what.log_tail = "START\n";

  const auto answer = invoke_reply(std::move(what), invocation_of_test{true}, "arn");

  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body_view(), "{\"a\": 1 }");
  EXPECT_TRUE(has(answer, "x-amz-executed-version: $LATEST"));
  EXPECT_TRUE(has(answer, "x-amz-log-result: U1RBUlQK"));
  EXPECT_TRUE(has(answer, "x-amzn-requestid: 6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
  EXPECT_EQ(answer.fields.find("function-error"), std::string::npos);
}

TEST(LambdaInvokeTest, ANativeAnswersBodyIsPassedOn) {
  outcome what;
  functions::native_response response;
  response.body = functions::foreign_bytes{std::string{"hello"}};
  what.value = std::move(response);

  EXPECT_EQ(invoke_reply(std::move(what), invocation_of_test{}, "arn").body_view(), "hello");
}

TEST(LambdaInvokeTest, AFunctionThatFailedIsAnAnswerToo) {
  const auto answer = reply_to_failure(errc::function_error, "{\"errorType\":\"Error\"}");

  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.body_view(), "{\"errorType\":\"Error\"}");
  EXPECT_TRUE(has(answer, "x-amz-function-error: Unhandled"));
  EXPECT_EQ(answer.fields.find("log-result"), std::string::npos);
}

TEST(LambdaInvokeTest, AFailureWithoutAPayloadGetsTheDocumentedOne) {
  const std::string id = "RequestId: 6ba7b810-9dad-11d1-80b4-00c04fd430c8 Error: ";

  EXPECT_EQ(reply_to_failure(errc::function_timeout).body_view(),
            R"({"errorType":"Sandbox.Timedout","errorMessage":")" + id + R"(Task timed out after 1.00 seconds"})");
  EXPECT_EQ(
      reply_to_failure(errc::memory_exceeded).body_view(),
      R"({"errorType":"Runtime.ExitError","errorMessage":")" + id + R"(Runtime exited with error: signal: killed"})");
  EXPECT_EQ(
      reply_to_failure(errc::function_crashed).body_view(),
      R"({"errorType":"Runtime.ExitError","errorMessage":")" + id + R"(Runtime exited without providing a reason"})");
  EXPECT_EQ(reply_to_failure(errc::answer_too_large).body_view(),
            R"({"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",)"
            R"("errorType":"Function.ResponseSizeTooLarge"})");
  EXPECT_EQ(reply_to_failure(errc::malformed_answer).body_view(), R"({"errorType":"Error","errorMessage":"detail"})");
}

TEST(LambdaInvokeTest, ACallThatDidNotRunIsAnError) {
  for (const auto code : {errc::overloaded, errc::no_capacity}) {
    const auto answer = reply_to_failure(code);
    EXPECT_EQ(answer.status, 429u);
    EXPECT_EQ(answer.body_view(),
              R"({"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."})");
    EXPECT_TRUE(has(answer, "retry-after: 1"));
  }
  for (const auto code : {errc::draining, errc::not_ready, errc::breaker_open}) {
    EXPECT_EQ(reply_to_failure(code).status, 503u);
    EXPECT_TRUE(has(reply_to_failure(code), "x-amzn-errortype: ServiceException"));
  }
  EXPECT_EQ(reply_to_failure(errc::no_such_function).status, 404u);
  EXPECT_EQ(reply_to_failure(errc::payload_too_large).status, 413u);
  EXPECT_EQ(reply_to_failure(errc::bug).status, 500u);
}
