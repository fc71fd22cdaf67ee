// Requests and answers of native functions as bytes: what comes out is what went in, and damage does no harm.
#include "functions/native_frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace troupe;
using namespace troupe::functions;

namespace {

std::string_view view(troupe_bytes bytes) {
  return bytes.size == 0 ? std::string_view{} : std::string_view{bytes.data, bytes.size};
}

invocation_ptr request_of(unsigned fields) {
  static const auto route = std::make_shared<const std::string>("ANY /{id}/{rest+}");
  auto request = std::make_shared<http_request>();
  request->method = "PUT";
  request->path = "/a%20b/c";
  request->query = "q=1";
  request->peer_address = "2001:db8::1";
  request->body.append(std::string(fields * 100, '\xfe'));
  for (unsigned i = 0; i < fields; ++i)
    request->fields.push_back({i % 2 == 0 ? "X-Even" : "x-odd", i % 3 == 0 ? "" : "value\x80"});
  auto function = std::make_shared<function_spec>();
  function->version = 70'000;
  auto call = std::make_shared<invocation>();
  call->function = function;
  call->request_id = make_request_id();
  call->request = request;
  call->route_key = route;
  call->parameters.emplace_back("id", "a b");
  call->parameters.emplace_back("rest", "c");
  return call;
}

std::string encoded(const invocation& call) {
  buffer out;
  append_native_request(out, call);
  return std::string{out.view()};
}

std::string encoded_answer(unsigned headers) {
  native_response response;
  response.status = 404;
  for (unsigned i = 0; i < headers; ++i)
    response.headers.emplace_back("Name", i % 2 == 0 ? "" : "v");
  response.body = foreign_bytes{std::string(headers * 10, '\0')};
  buffer out;
  append_native_answer(out, response);
  return std::string{out.view()};
}

/// Reads every byte that a result claims to have, for the sanitizers.
std::size_t touch(std::string_view bytes) {
  return static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), 'x')) + bytes.size();
}

std::size_t touch_all(std::string_view payload) {
  std::size_t sum = 0;
  if (const auto request = read_native_request(payload)) {
    const auto& raw = request->raw;
    for (const auto part : {raw.method, raw.raw_path, raw.raw_query, raw.body, raw.route_key, raw.source_ip})
      sum += touch(view(part));
    for (const auto& field : request->fields)
      sum += touch(view(field.name)) + touch(view(field.value));
  }
  if (const auto answer = read_native_answer(payload)) {
    for (const auto& [name, value] : answer->headers)
      sum += touch(name) + touch(value);
    sum += touch(answer->body.view());
  }
  return sum;
}

}  // namespace

TEST(NativeFrameTest, RequestsComeOutAsTheyWentIn) {
  for (const unsigned fields : {0u, 1u, 100u, 1000u}) {
    const auto call = request_of(fields);
    const auto payload = encoded(*call);
    const auto read = read_native_request(payload);
    ASSERT_TRUE(read) << fields;
    EXPECT_EQ(read->function_version, 70'000u);
    EXPECT_EQ(read->request_id, call->request_id.view());
    EXPECT_EQ(read->raw.size, sizeof(troupe_request));
    EXPECT_EQ(read->raw.is_http, 1u);
    EXPECT_EQ(view(read->raw.method), "PUT");
    EXPECT_EQ(view(read->raw.raw_path), "/a%20b/c");
    EXPECT_EQ(view(read->raw.raw_query), "q=1");
    EXPECT_EQ(view(read->raw.route_key), "ANY /{id}/{rest+}");
    EXPECT_EQ(view(read->raw.source_ip), "2001:db8::1");
    EXPECT_EQ(view(read->raw.body), call->request->body.view());
    ASSERT_EQ(read->raw.header_count, fields);
    for (unsigned i = 0; i < fields; ++i) {
      EXPECT_EQ(view(read->raw.headers[i].name), call->request->fields[i].name);
      EXPECT_EQ(view(read->raw.headers[i].value), call->request->fields[i].value);
    }
    ASSERT_EQ(read->raw.parameter_count, 2u);
    EXPECT_EQ(view(read->raw.parameters[1].name), "rest");
    EXPECT_EQ(view(read->raw.parameters[0].value), "a b");
  }
}

TEST(NativeFrameTest, DirectInvokeHasOnlyItsBody) {
  invocation call;
  call.function = std::make_shared<function_spec>();
  call.json = "[1]";
  const auto payload = encoded(call);
  const auto read = read_native_request(payload);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->raw.is_http, 0u);
  EXPECT_EQ(view(read->raw.body), "[1]");
  EXPECT_EQ(view(read->raw.method), "");
  EXPECT_EQ(read->raw.header_count + read->raw.parameter_count, 0u);
}

TEST(NativeFrameTest, AnswersOwnTheirBytes) {
  for (const unsigned headers : {0u, 3u, 500u}) {
    auto payload = encoded_answer(headers);
    const auto read = read_native_answer(payload);
    std::fill(payload.begin(), payload.end(), '\xc1');
    ASSERT_TRUE(read);
    EXPECT_EQ(read->status, 404u);
    ASSERT_EQ(read->headers.size(), headers);
    EXPECT_EQ(read->body.view(), std::string(headers * 10, '\0'));
    if (headers > 1) {
      EXPECT_EQ(read->headers[1], (std::pair<std::string_view, std::string_view>{"Name", "v"}));
    }
  }
}

TEST(NativeFrameTest, PiecesAndSurplusAreRefused) {
  const auto request = encoded(*request_of(3));
  const auto answer = encoded_answer(3);
  for (std::size_t length = 0; length < request.size(); ++length)
    EXPECT_EQ(read_native_request(request.substr(0, length)).error().code, errc::corrupt) << length;
  for (std::size_t length = 0; length < answer.size(); ++length)
    EXPECT_EQ(read_native_answer(answer.substr(0, length)).error().code, errc::malformed_answer) << length;
  EXPECT_FALSE(read_native_request(request + '\xc0'));
  EXPECT_FALSE(read_native_answer(answer + '\xc0'));
}

TEST(NativeFrameTest, CountsBeyondTheBytesAreRefusedBeforeMemoryIsMade) {
  // 2^64 - 1 headers.
  EXPECT_FALSE(read_native_answer("\xcc\xc8\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xc4\x01x"));
  EXPECT_FALSE(read_native_answer({"\xce\x7f\xff\xff\xff\x00\xc4\x00", 8}));  // a status beyond any
}

TEST(NativeFrameTest, DamagedPayloadsDoNoHarm) {
  const auto request = encoded(*request_of(5));
  const auto answer = encoded_answer(5);
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random{seed};
    auto bytes = seed % 2 == 0 ? request : answer;
    for (auto faults = 1 + random() % 4; faults > 0; --faults)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    EXPECT_LE(touch_all(bytes), 8 * bytes.size()) << "seed " << seed;
  }
}

TEST(NativeFrameTest, RandomBytesDoNoHarm) {
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random{seed};
    std::string bytes(random() % 60, '\0');
    constexpr std::string_view likely{"\x00\x01\x02\xc0\xc4\xc5\xc6\xcc\xcf\xd9", 10};
    for (auto& byte : bytes)
      byte = random() % 3 == 0 ? static_cast<char>(random()) : likely[random() % likely.size()];
    EXPECT_LE(touch_all(bytes), 8 * bytes.size()) << "seed " << seed;
  }
}
