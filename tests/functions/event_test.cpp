#include "functions/event.hpp"

#include <gtest/gtest.h>

#include "config/text.hpp"
#include "tests/functions/event_case.hpp"

using namespace troupe;
using namespace troupe::functions;
using nlohmann::json;

TEST(EventTest, HasEveryMemberOfTheFormat) {
  event_case given{"/pets/6%207?a=1&a=2&b=x%20y"};
  given.field("Host", "id.example.com:8080").field("User-Agent", "agent").field("Content-Type", "application/json");
  given.body(R"({"k":"v"})");
  given.call.parameters.emplace_back("id", "6 7");
  given.request->method = "POST";

  const auto event = given.json();

  const auto trace = event["headers"]["x-amzn-trace-id"].get<std::string>();
  const auto expected = json{{"version", "2.0"},
                             {"routeKey", "GET /pets/{id}"},
                             {"rawPath", "/pets/6 7"},
                             {"rawQueryString", "a=1&a=2&b=x%20y"},
                             {"headers",
                              {{"host", "id.example.com:8080"},
                               {"user-agent", "agent"},
                               {"content-type", "application/json"},
                               {"content-length", "9"},
                               {"x-amzn-trace-id", trace},
                               {"x-forwarded-for", "192.0.2.1"},
                               {"x-forwarded-port", "8080"},
                               {"x-forwarded-proto", "http"}}},
                             {"queryStringParameters", {{"a", "1,2"}, {"b", "x y"}}},
                             {"requestContext",
                              {{"accountId", "000000000000"},
                               {"apiId", "troupe"},
                               {"domainName", "id.example.com"},
                               {"domainPrefix", "id"},
                               {"http",
                                {{"method", "POST"},
                                 {"path", "/pets/6 7"},
                                 {"protocol", "HTTP/1.1"},
                                 {"sourceIp", "192.0.2.1"},
                                 {"userAgent", "agent"}}},
                               {"requestId", given.call.request_id.view()},
                               {"routeKey", "GET /pets/{id}"},
                               {"stage", "$default"},
                               {"time", "04/Mar/2020:19:03:58 +0000"},
                               {"timeEpoch", 1583348638390}}},
                             {"body", R"({"k":"v"})"},
                             {"pathParameters", {{"id", "6 7"}}},
                             {"isBase64Encoded", false}};
  EXPECT_EQ(event, expected);
}

TEST(EventTest, LeavesOutWhatWouldBeEmpty) {
  const auto event = event_case{}.field("Cookie", " ; ").json();

  for (const auto* absent : {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"})
    EXPECT_FALSE(event.contains(absent)) << absent;
  EXPECT_FALSE(event["requestContext"].contains("authorizer"));
  EXPECT_FALSE(event["requestContext"].contains("authentication"));
  EXPECT_EQ(event["rawQueryString"], "");
  EXPECT_EQ(event["requestContext"]["http"]["userAgent"], "");
  EXPECT_EQ(event["requestContext"]["domainName"], "");
  EXPECT_FALSE(event["headers"].contains("host"));
  EXPECT_FALSE(event["headers"].contains("cookie"));
  EXPECT_FALSE(event_case{"/?&&"}.json().contains("queryStringParameters"));
}

TEST(EventTest, TheRequestIdHasTheFormThatClientsSee) {
  const auto id = event_case{}.json()["requestContext"]["requestId"].get<std::string>();

  EXPECT_EQ(id.size(), 16u);
  EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), 15u) << id;
  EXPECT_EQ(id.back(), '=');
}

TEST(EventTest, DecodesThePathOnce) {
  EXPECT_EQ(event_case{"/a%23b%20c/%E2%98%95/%2541"}.json()["rawPath"], "/a#b c/\u2615/%41");
  EXPECT_EQ(event_case{"/%F0%9F%98%80"}.json()["requestContext"]["http"]["path"], "/\U0001f600");
  EXPECT_EQ(event_case{"/50%"}.json()["rawPath"], "/50%");
  EXPECT_EQ(event_case{"/%22%5C%0A"}.json()["rawPath"], "/\"\\\n");
}

TEST(EventTest, ANamedStageStandsBeforeThePath) {
  event_case given{"/pets"};
  given.stage = "dev";

  const auto event = given.json();

  EXPECT_EQ(event["rawPath"], "/dev/pets");
  EXPECT_EQ(event["requestContext"]["http"]["path"], "/dev/pets");
  EXPECT_EQ(event["requestContext"]["stage"], "dev");
}

TEST(EventTest, DomainNameIsHostWithoutItsPort) {
  const auto domain_of = [](std::string_view host) {
    const auto context = event_case{}.field("hOST", host).json()["requestContext"];
    return std::pair{context["domainName"].get<std::string>(), context["domainPrefix"].get<std::string>()};
  };

  EXPECT_EQ(domain_of("localhost"), std::pair(std::string{"localhost"}, std::string{"localhost"}));
  EXPECT_EQ(domain_of("api.example.com:80"), std::pair(std::string{"api.example.com"}, std::string{"api"}));
  EXPECT_EQ(domain_of("[::1]:8080"), std::pair(std::string{"[::1]"}, std::string{"[::1]"}));
  EXPECT_EQ(domain_of("["), std::pair(std::string{"["}, std::string{"["}));
  EXPECT_EQ(domain_of(""), std::pair(std::string{}, std::string{}));
}

TEST(EventTest, TimeIsUtcToTheSecondAndTimeEpochToTheMillisecond) {
  event_case given;
  const auto at = [&](std::int64_t ms) {
    given.wall = milliseconds{ms};
    return given.json()["requestContext"];
  };

  EXPECT_EQ(at(0)["time"], "01/Jan/1970:00:00:00 +0000");
  EXPECT_EQ(at(951'782'399'999)["time"], "28/Feb/2000:23:59:59 +0000");
  EXPECT_EQ(at(951'782'400'000)["time"], "29/Feb/2000:00:00:00 +0000");
  EXPECT_EQ(at(4'102'444'799'001)["time"], "31/Dec/2099:23:59:59 +0000");
  EXPECT_EQ(at(4'102'444'799'001)["timeEpoch"], 4'102'444'799'001);
}

TEST(EventTest, TextTypesKeepTheirBodyAsText) {
  for (const auto* type : {"application/json", "APPLICATION/JSON ; charset=utf-8", "text/html", "Text/x",
                           "application/xml", " application/javascript;a=b"}) {
    const auto event = event_case{}.field("content-type", type).body("h\u00e4 \"q\"\n").json();
    EXPECT_EQ(event["body"], "h\u00e4 \"q\"\n") << type;
    EXPECT_EQ(event["isBase64Encoded"], false) << type;
  }
}

TEST(EventTest, AllOtherBodiesAreBase64) {
  for (const auto* type : {"application/octet-stream", "application/x-www-form-urlencoded", "application/ld+json",
                           "multipart/form-data; boundary=x", "image/png", "text", "application/json2", ""}) {
    const auto event = event_case{}.field("content-type", type).body("a=1&b=2").json();
    EXPECT_EQ(event["body"], "YT0xJmI9Mg==") << type;
    EXPECT_EQ(event["isBase64Encoded"], true) << type;
  }
  EXPECT_EQ(event_case{}.body("x").json()["isBase64Encoded"], true) << "no content type";
}

TEST(EventTest, ATextBodyThatIsNotUtf8BecomesBase64) {
  const auto event = event_case{}.field("content-type", "text/plain").body("caf\xe9").json();

  EXPECT_EQ(event["body"], base64_encode("caf\xe9"));
  EXPECT_EQ(event["isBase64Encoded"], true);
}

TEST(EventTest, LargeBodiesComeThroughWhole) {
  std::string text;
  for (int i = 0; text.size() < 300'000; ++i)
    text += "line " + std::to_string(i) + " \"quoted\" \\ \x01 \u2615\n";

  EXPECT_TRUE(event_case{}.field("content-type", "text/plain").body(text).json()["body"] == text);
  for (std::size_t size = 100'000; size < 100'003; ++size)
    EXPECT_TRUE(event_case{}.body(text.substr(0, size)).json()["body"] == base64_encode(text.substr(0, size))) << size;
}

TEST(EventTest, ADirectInvokeGetsItsPayload) {
  invocation call;
  call.json = R"( {"any": "thing"} )";
  buffer out{"before"};

  append_event(out, call, {.wall = milliseconds{0}, .trace = trace_id{call, milliseconds{0}}});
  EXPECT_EQ(out.view(), R"(before {"any": "thing"} )");

  call.json.clear();
  append_event(out, call, {.wall = milliseconds{0}, .trace = trace_id{call, milliseconds{0}}});
  EXPECT_EQ(out.view(), R"(before {"any": "thing"} {})");
}

TEST(EventTest, IsJsonWhateverTheBytesAre) {
  std::uint64_t seed = 6;
  const auto random = [&seed] { return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33; };
  const auto junk = [&](std::size_t most) {
    std::string bytes(random() % (most + 1), '\0');
    for (char& c : bytes)
      c = static_cast<char>(random() % 3 == 0 ? random() % 256 : "ab%+&=;,\"\\ \xc3\xa9"[random() % 13]);
    return bytes;
  };

  for (int round = 0; round < 500; ++round) {
    const std::string target = "/" + junk(40);
    event_case given{target};
    std::vector<std::string> kept;
    for (int i = 0; i < 12; ++i)
      kept.push_back(junk(i % 2 == 0 ? 12 : 50));
    kept[2] = "cookie";
    kept[4] = "x-forwarded-for";
    kept[6] = "host";
    for (std::size_t i = 0; i < kept.size(); i += 2)
      given.field(kept[i], kept[i + 1]);
    const auto body = junk(100);
    given.field("content-type", round % 2 == 0 ? "text/plain" : "x/y").body(body);
    given.call.parameters.emplace_back("id", junk(10));

    const auto event = given.json();

    const auto& got = event.value("body", std::string{});
    EXPECT_EQ(event["isBase64Encoded"] == true ? base64_decode(got).value() : got, body) << "round " << round;
  }
}
