#include "http/lambda_reply.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "config/text.hpp"

using namespace troupe;
using namespace troupe::http;

namespace {

expected<reply> reply_of(std::string_view json) {
  return make_reply(functions::json_answer{buffer{json}});
}

constexpr std::string_view plain_text = "content-type: text/plain; charset=utf-8\r\n";
constexpr std::string_view json_type = "content-type: application/json\r\n";

void expect_body_as_it_is(std::string_view bytes) {
  const auto got = reply_of(bytes);
  ASSERT_TRUE(got) << bytes;
  EXPECT_EQ(got->status, 200u) << bytes;
  EXPECT_EQ(got->fields, json_type) << bytes;
  EXPECT_EQ(got->body_view(), bytes);
}

void expect_malformed(std::string_view json) {
  const auto got = reply_of(json);
  ASSERT_FALSE(got) << json;
  EXPECT_EQ(got.error().code, errc::malformed_answer) << json;
  EXPECT_FALSE(got.error().what.empty()) << json;
}

std::string fields_of(std::string_view json) {
  const auto got = reply_of(json);
  return got ? got->fields : "malformed: " + got.error().what;
}

std::string body_of(std::string_view json) {
  const auto got = reply_of(json);
  return got ? std::string{got->body_view()} : "malformed: " + got.error().what;
}

}  // namespace

TEST(LambdaReplyTest, AStringWithAColonBehindItIsNoJson) {
  for (const std::string text :
       {R"({"statusCode":"200":"x"})", R"({"statusCode":200,"body":"a":"b"})", R"({"statusCode":200,"x":["a":1]})",
        R"({"statusCode":200,"headers":{"a":"b":"c"}})", R"({"statusCode":200,"cookies":["a=b":"c"]})"}) {
    const auto got = make_reply(functions::json_answer{buffer{text}});
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(got->body_view(), text);
  }
}

TEST(LambdaReplyTest, WhatIsNoJsonIsTheBody) {
  for (const auto* bytes : {"",
                            " ",
                            "Hello, World!",
                            "{",
                            "}",
                            "{\"name\": \"John Doe\", \"age\":",
                            "\"open",
                            "\"a\"b",
                            "\"bad \\x escape\"",
                            "\"line\nbreak\"",
                            "\"\xff\"",
                            "{\"statusCode\":200",
                            "{\"statusCode\":200}}",
                            "{\"statusCode\":200} x",
                            "{\"statusCode\":200,}",
                            "{\"statusCode\":200,\"body\":tru}",
                            "{\"statusCode\":200,\"body\":\"\\u12\"}",
                            "{\"statusCode\":200,\"x\":[1,2,,]}",
                            "{\"statusCode\":200,\"x\":[1}",
                            "{\"statusCode\":200,\"x\":{\"a\":1}",
                            "{\"statusCode\":200,\"x\":01}",
                            "{\"statusCode\":200,\"x\":+1}",
                            "{\"statusCode\":200 \"x\":1}",
                            "{\"statusCode\":200,\"body\":\"\xe2\x98\"}",
                            "{statusCode:200}",
                            "{\"statusCode\":200,\"headers\":{\"a\":1.}}",
                            "{\"statusCode\":200,\"cookies\":[\"a\",]}",
                            "{\"statusCode\":200,\"headers\":{\"a\":[1}}"})
    expect_body_as_it_is(bytes);
}

TEST(LambdaReplyTest, AJsonStringIsTheBodyWithoutItsQuotes) {
  for (const auto& [json, body] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"\"test\"", "test"},
           {"\"\"", ""},
           {"  \"padded\"\n", "padded"},
           {"\"Special \\\"quoted\\\" text\"", "Special \"quoted\" text"},
           {"\"\\u00e4\\n\\ud83d\\ude00\\/\"", "\u00e4\n\U0001f600/"}}) {
    const auto got = reply_of(json);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200u);
    EXPECT_EQ(got->fields, json_type);
    EXPECT_EQ(got->body_view(), body);
  }
}

TEST(LambdaReplyTest, OtherJsonIsTheBodyByteForByte) {
  for (const auto* bytes : {"{\"name\": \"John Doe\", \"age\": 30}", "[1, 2, 3, 4, 5]", "42", "true", "null", "{}",
                            " { } ", "{\"body\":\"hi\"}", "{\"headers\":{\"x\":\"y\"},\"body\":\"hi\"}", "-1.50e+3",
                            "{\"headers\":{\"bad name\":\"y\"},\"cookies\":[1]}", "[{\"statusCode\":200}]",
                            "{\"x\":{\"statusCode\":200}}", "{\"StatusCode\":200}"})
    expect_body_as_it_is(bytes);
}

TEST(LambdaReplyTest, StatusFieldsCookiesAndBodyAreTheObjects) {
  const auto got = reply_of(R"({
    "statusCode": 201, "multiValueHeaders": {"x": ["y"]}, "unknown": [{"a": [null, 1.5e3, "s"]}, {}, []],
    "headers": {"Content-Type": "text/html", "x-a": "1,2"}, "cookies": ["a=1; Path=/", "b=2"],
    "body": "<p>\u2615</p>"})");

  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 201u);
  EXPECT_EQ(got->fields, "set-cookie: a=1; Path=/\r\nset-cookie: b=2\r\nContent-Type: text/html\r\nx-a: 1,2\r\n");
  EXPECT_EQ(got->body_view(), "<p>\u2615</p>");
}

TEST(LambdaReplyTest, EveryStatusOf200To599AsIntegerOrString) {
  for (unsigned status = 200; status <= 599; ++status) {
    EXPECT_EQ(reply_of("{\"statusCode\":" + std::to_string(status) + "}")->status, status);
    EXPECT_EQ(reply_of("{\"statusCode\":\"" + std::to_string(status) + "\"}")->status, status);
  }
}

TEST(LambdaReplyTest, AnyOtherStatusIsMalformed) {
  for (const auto* status : {"200.5",   "0",     "-1",     "-200",       "199",       "100",
                             "101",     "600",   "1000",   "2e2",        "200.0",     "99999999999999999999999",
                             "\"abc\"", "\"\"",  "\"20\"", "\" 200\"",   "\"200.5\"", "null",
                             "true",    "[200]", "{}",     "{\"a\":200}"})
    expect_malformed("{\"statusCode\":" + std::string{status} + ",\"body\":\"x\"}");
}

TEST(LambdaReplyTest, HeadersMustBeAnObjectOfScalars) {
  for (const auto* headers :
       {"{\"a\":[\"b\"]}", "{\"a\":{}}", "{\"a\":null}", "[]", "\"a: b\"", "1", "{\"a\":\"b\",\"c\":[]}"})
    expect_malformed("{\"statusCode\":200,\"headers\":" + std::string{headers} + "}");
}

TEST(LambdaReplyTest, NumbersInHeadersStayAsWritten) {
  EXPECT_EQ(fields_of(R"({"statusCode":200,"headers":{"a":1.0,"b": -5 ,"c":1e400,"d":123456789012345678901234567890,
                          "e":true,"f":false,"content-type":"x"}})"),
            "a: 1.0\r\nb: -5\r\nc: 1e400\r\nd: 123456789012345678901234567890\r\ne: true\r\nf: false\r\n"
            "content-type: x\r\n");
}

TEST(LambdaReplyTest, HeadersThatHttpDoesNotAllowAreMalformed) {
  for (const auto* headers : {"{\"\":\"x\"}", "{\"a b\":\"x\"}", "{\"a:\":\"x\"}", "{\"a\\r\\nb\":\"x\"}",
                              "{\"\u00e4\":\"x\"}", "{\"a\":\"x\\r\\ny: z\"}", "{\"a\":\"x\\ny\"}",
                              "{\"a\":\"x\\u0000\"}", "{\"a\":\"\\u007f\"}", "{\"connection\":\"a\\r\\nb\"}"})
    expect_malformed("{\"statusCode\":200,\"headers\":" + std::string{headers} + "}");
  expect_malformed("{\"statusCode\":200,\"cookies\":[\"a=b\\r\\nx: y\"]}");
  expect_malformed("{\"statusCode\":200,\"cookies\":[1]}");
  expect_malformed("{\"statusCode\":200,\"cookies\":[[]]}");
  EXPECT_EQ(fields_of("{\"statusCode\":200,\"headers\":{\"a\":\"\\t\u00e4 \\u2615\",\"content-type\":\"x\"}}"),
            "a: \t\u00e4 \u2615\r\ncontent-type: x\r\n");
}

TEST(LambdaReplyTest, FieldsOfTheConnectionAreDropped) {
  EXPECT_EQ(
      fields_of(R"({"statusCode":200,"headers":{"Connection":"close","Keep-Alive":"x","Proxy-Connection":"x","TE":"x",
                          "Trailer":"x","Transfer-Encoding":"chunked","Upgrade":"x","Content-Length":"99","Date":"x",
                          "Apigw-Requestid":"x","x-kept":"y"}})"),
      "x-kept: y\r\n" + std::string{plain_text});
}

TEST(LambdaReplyTest, TheContentTypeHasADefault) {
  EXPECT_EQ(fields_of(R"({"statusCode":200,"body":"x"})"), plain_text);
  EXPECT_EQ(fields_of(R"({"statusCode":404,"headers":{}})"), plain_text);
  EXPECT_EQ(fields_of(R"({"statusCode":200,"headers":{"CONTENT-TYPE":"a/b","content-type":"c/d"}})"),
            "CONTENT-TYPE: a/b\r\n");
}

TEST(LambdaReplyTest, CookiesComeFirstWhereverTheyStand) {
  const auto* expected_fields = "set-cookie: a\r\nset-cookie: b\r\nSet-Cookie: c\r\ncontent-type: x\r\n";

  EXPECT_EQ(fields_of(R"({"statusCode":200,"headers":{"Set-Cookie":"c","content-type":"x"},"cookies":["a","b"]})"),
            expected_fields);
  EXPECT_EQ(fields_of(R"({"cookies":["a","b"],"headers":{"Set-Cookie":"c","content-type":"x"},"statusCode":200})"),
            expected_fields);
  for (const auto* no_list : {"\"a\"", "1", "{\"a\":[]}", "null", "[]"})
    EXPECT_EQ(fields_of("{\"statusCode\":200,\"cookies\":" + std::string{no_list} + "}"), plain_text);
}

TEST(LambdaReplyTest, NullMembersCountAsAbsent) {
  const auto got = reply_of(
      R"({"statusCode":200,"headers":null,"multiValueHeaders":null,"cookies":null,"body":null,
          "isBase64Encoded":null})");

  ASSERT_TRUE(got);
  EXPECT_EQ(got->fields, plain_text);
  EXPECT_EQ(got->body_view(), "");
}

TEST(LambdaReplyTest, TheBodyIsAStringOrNothing) {
  EXPECT_EQ(body_of(R"({"statusCode":200})"), "");
  EXPECT_EQ(body_of(R"({"statusCode":200,"body":""})"), "");
  EXPECT_EQ(body_of(R"({"body":"{\"message\":\"Hello, world!\"}","statusCode":200})"),
            R"({"message":"Hello, world!"})");
  EXPECT_EQ(body_of(R"({"statusCode":200,"body":"first","body":"last"})"), "last");
  EXPECT_EQ(body_of(R"({"statusCode":200,"b\u006fdy":"escaped key"})"), "escaped key");
  for (const auto* body : {"{\"a\":1}", "[1]", "1", "true"})
    expect_malformed("{\"statusCode\":200,\"body\":" + std::string{body} + "}");
}

TEST(LambdaReplyTest, LoneSurrogatesBecomeReplacementCharacters) {
  EXPECT_EQ(body_of(R"({"statusCode":200,"body":"a\ud800b\udc00\ud83dA\ud83d\ude00"})"),
            "a\ufffdb\ufffd\ufffdA\U0001f600");
}

TEST(LambdaReplyTest, Base64BodiesAreDecodedWhateverTheirType) {
  EXPECT_EQ(body_of(R"({"statusCode":200,"isBase64Encoded":true,"body":"aGVsbG8="})"), "hello");
  EXPECT_EQ(
      body_of(R"({"isBase64Encoded":true,"body":"\/\/79","statusCode":200,"headers":{"content-type":"text/plain"}})"),
      "\xff\xfe\xfd");
  EXPECT_EQ(body_of(R"({"statusCode":200,"isBase64Encoded":false,"body":"aGVsbG8="})"), "aGVsbG8=");
  EXPECT_EQ(body_of(R"({"statusCode":200,"isBase64Encoded":true})"), "");
  expect_malformed(R"({"statusCode":200,"isBase64Encoded":true,"body":"no base64!"})");
  expect_malformed(R"({"statusCode":200,"isBase64Encoded":"true","body":"aGVsbG8="})");
  expect_malformed(R"({"statusCode":200,"isBase64Encoded":1,"body":"aGVsbG8="})");
}

TEST(LambdaReplyTest, StatusesWithoutABodyGetNone) {
  for (const auto* status : {"204", "304"}) {
    const auto got =
        reply_of("{\"statusCode\":" + std::string{status} + ",\"headers\":{\"etag\":\"x\"},\"body\":\"y\"}");
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body_view(), "");
    EXPECT_EQ(got->fields, "etag: x\r\n");
  }
}

TEST(LambdaReplyTest, DeepNestingIsNoJsonInsteadOfADeadStack) {
  const auto nested = [](std::size_t depth) {
    return "{\"statusCode\":200,\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };

  EXPECT_EQ(fields_of(nested(100)), plain_text);
  expect_body_as_it_is(nested(100'000));
}

TEST(LambdaReplyTest, TheBodyKeepsTheMemoryOfTheAnswer) {
  const std::string text(2'000'000, 'x');
  buffer bytes;
  bytes.reserve(text.size() + 100 + functions::answer_padding);
  bytes.append("{\"statusCode\":200,\"body\":\"" + text + "\\n\"}");
  const auto* memory = bytes.data();

  const auto got = make_reply(functions::json_answer{std::move(bytes)});

  ASSERT_TRUE(got);
  EXPECT_TRUE(got->body_view() == text + "\n");
  EXPECT_EQ(static_cast<const void*>(got->body_view().data()), memory);
}
