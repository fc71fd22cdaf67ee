#include "functions/event_fields.hpp"

#include <gtest/gtest.h>

#include "tests/functions/event_case.hpp"

using namespace troupe;
using namespace troupe::functions;
using nlohmann::json;

TEST(EventFieldsTest, NamesAreLowerCaseAndValuesAsSent) {
  const auto headers = event_case{}.field("ACCEPT-Charset_Z[", "UTF-8, %20").field("X", "").json()["headers"];

  EXPECT_EQ(headers["accept-charset_z["], "UTF-8, %20");
  EXPECT_EQ(headers["x"], "");
}

TEST(EventFieldsTest, RepeatedFieldsAreJoinedAtThePlaceOfTheFirst) {
  event_case given;
  given.field("Accept", "a").field("X-One", "1").field("ACCEPT", "b,c").field("Host", "h").field("accept", "");

  const auto text = given.text();

  EXPECT_EQ(given.json()["headers"]["accept"], "a,b,c,");
  EXPECT_EQ(given.json()["headers"]["x-one"], "1");
  EXPECT_LT(text.find("\"accept\""), text.find("\"x-one\""));
  EXPECT_LT(text.find("\"x-one\""), text.find("\"host\""));
}

TEST(EventFieldsTest, ManyFieldsOfWhichSomeRepeatAreAllThere) {
  event_case given;
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i)
    names.push_back("X-Field-" + std::to_string(i % 90));
  for (const auto& name : names)
    given.field(name, "v");

  const auto headers = given.json()["headers"];

  for (int i = 0; i < 90; ++i)
    EXPECT_EQ(headers["x-field-" + std::to_string(i)], i < 10 ? "v,v" : "v");
  EXPECT_EQ(headers.size(), 90 + 5);
}

TEST(EventFieldsTest, CookiesAreSplitAndNoHeader) {
  event_case given;
  given.field("Cookie", "session=abc123; theme=dark;;  a=\"q\" ").field("X", "y").field("COOKIE", "late=1");

  const auto event = given.json();

  EXPECT_EQ(event["cookies"], (json{"session=abc123", "theme=dark", "a=\"q\"", "late=1"}));
  EXPECT_FALSE(event["headers"].contains("cookie"));
}

TEST(EventFieldsTest, ValuesThatAreNotUtf8AreReadAsLatin1) {
  event_case given;
  given.field("x-emoji", "\U0001f600 ok")
      .field("x-latin", "caf\xe9")
      .field("x-cut", "\xe2\x98")
      .field("cookie", "a=\xff");
  given.field("user-agent", "\xfc");

  const auto event = given.json();

  EXPECT_EQ(event["headers"]["x-emoji"], "\U0001f600 ok");
  EXPECT_EQ(event["headers"]["x-latin"], "caf\u00e9");
  EXPECT_EQ(event["headers"]["x-cut"], "\u00e2\u0098");
  EXPECT_EQ(event["cookies"][0], "a=\u00ff");
  EXPECT_EQ(event["requestContext"]["http"]["userAgent"], "\u00fc");
}

TEST(EventFieldsTest, LongValuesComeThroughWhole) {
  const std::string plain(9000, 'x');
  const auto latin = plain + "\xe9";
  const auto utf8 = plain + "\u2615";
  event_case given;
  given.field("x-plain", plain).field("x-latin", latin).field("x-utf8", utf8);

  const auto headers = given.json()["headers"];

  EXPECT_TRUE(headers["x-plain"] == plain);
  EXPECT_TRUE(headers["x-latin"] == plain + "\u00e9");
  EXPECT_TRUE(headers["x-utf8"] == utf8);
}

TEST(EventFieldsTest, ForwardedForGrowsAndTheOthersAreReplaced) {
  event_case given;
  given.field("X-Forwarded-For", "203.0.113.9, 10.0.0.1").field("x-forwarded-for", "10.0.0.2");
  given.field("X-Forwarded-Proto", "gopher").field("X-Forwarded-Port", "70");
  given.request->secure = true;
  given.request->local_port = 8443;

  const auto headers = given.json()["headers"];

  EXPECT_EQ(headers["x-forwarded-for"], "203.0.113.9, 10.0.0.1,10.0.0.2,192.0.2.1");
  EXPECT_EQ(headers["x-forwarded-proto"], "https");
  EXPECT_EQ(headers["x-forwarded-port"], "8443");
}

TEST(EventFieldsTest, ContentLengthIsThatOfTheDecodedBody) {
  const auto chunked = event_case{}.field("Transfer-Encoding", "chunked").body("12345").json()["headers"];

  EXPECT_EQ(chunked["content-length"], "5");
  EXPECT_FALSE(chunked.contains("transfer-encoding"));
  EXPECT_EQ(event_case{}.json()["headers"]["content-length"], "0");
}

TEST(EventFieldsTest, QueryKeysAndValuesAreDecodedAndJoined) {
  const auto query =
      event_case{"/?a=1&b&a=2&%61=3&c=x+y%2B%26&=e&d=a=b&f=%E2%98%95&a="}.json()["queryStringParameters"];

  EXPECT_EQ(query, (json{{"a", "1,2,3,"}, {"b", ""}, {"c", "x y+&"}, {"", "e"}, {"d", "a=b"}, {"f", "\u2615"}}));
}

TEST(EventFieldsTest, QueryKeysStandInOrderOfAppearance) {
  const auto text = event_case{"/?z=1&m=2&a=3&z=4"}.text();

  EXPECT_NE(text.find(R"("queryStringParameters":{"z":"1,4","m":"2","a":"3"})"), text.npos);
}

TEST(EventFieldsTest, ThousandsOfQueryKeysStayCheap) {
  std::string target = "/?";
  for (int i = 0; i < 4000; ++i)
    target += i % 2 == 0 ? "&a" : "&b=" + std::to_string(i);

  const auto query = event_case{target}.json()["queryStringParameters"];

  EXPECT_EQ(query.size(), 2u);
  EXPECT_EQ(query["a"], std::string(1999, ','));
}

TEST(TraceIdTest, AValidHeaderIsKept) {
  for (const auto* header : {"Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a",
                             "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;Parent=53995c3f42cd8ad8;Sampled=1",
                             "Self=1-1-1;Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;Sampled=?"})
    EXPECT_EQ(event_case{}.field("X-Amzn-Trace-Id", header).json()["headers"]["x-amzn-trace-id"], header);
}

TEST(TraceIdTest, AnInvalidOneIsReplaced) {
  for (const auto* header :
       {"", "junk", "Root=", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3", "Root=2-6a9299d8-49fa1ebe4ba1ae342ee07e3a",
        "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3g", "Parent=53995c3f42cd8ad8",
        "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;Parent=1", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;Sampled=2",
        "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;x=a b",
        "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;x=\"", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a;x=\xe9"}) {
    EXPECT_FALSE(is_trace_header(header)) << header;
    const auto made =
        event_case{}.field("x-amzn-trace-id", header).json()["headers"]["x-amzn-trace-id"].get<std::string>();
    EXPECT_TRUE(is_trace_header(made)) << made;
    EXPECT_EQ(made.substr(0, 16), "Root=1-5e5ffb9e-") << "seconds of the wall time";
  }
}

TEST(TraceIdTest, TwoHeadersAreNone) {
  event_case given;
  given.field("x-amzn-trace-id", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3a");
  given.field("x-amzn-trace-id", "Root=1-6a9299d8-49fa1ebe4ba1ae342ee07e3b");

  const auto made = given.json()["headers"]["x-amzn-trace-id"].get<std::string>();

  EXPECT_TRUE(made.starts_with("Root=1-5e5ffb9e-")) << made;
  EXPECT_EQ(made.size(), 40u);
}
