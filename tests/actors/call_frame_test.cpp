#include "actors/call_frame.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;
using functions::invocation;

const time_point now{1000s};

std::string_view part_of(const functions::http_request& request, std::string_view text) {
  const auto at = request.head.view().find(text);
  return request.head.view().substr(at, text.size());
}

std::shared_ptr<functions::http_request> request_with(std::string body) {
  auto request = std::make_shared<functions::http_request>();
  request->head.append("POST /pets/7%201?x=1&y= HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Bytes: \xff\x01\r\n\r\n");
  request->method = part_of(*request, "POST");
  request->target = part_of(*request, "/pets/7%201?x=1&y=");
  request->path = part_of(*request, "/pets/7%201");
  request->query = part_of(*request, "x=1&y=");
  request->fields = {{part_of(*request, "Host"), part_of(*request, "a.example")},
                     {part_of(*request, "X-Empty"), {}},
                     {part_of(*request, "X-Bytes"), part_of(*request, "\xff\x01")}};
  request->body.append(body);
  request->peer_address = "2001:db8::7";
  request->local_port = 8080;
  request->secure = true;
  return request;
}

std::shared_ptr<invocation> call_of(std::shared_ptr<functions::http_request> request) {
  auto call = std::make_shared<invocation>();
  auto spec = std::make_shared<functions::function_spec>();
  spec->id = make_uuid();
  spec->version = 7;
  call->function = std::move(spec);
  call->request_id = make_request_id();
  call->invocation_id = make_uuid();
  call->arrived_at = now - 12ms;
  call->deadline = now + 3s;
  call->request = std::move(request);
  return call;
}

received_call over_the_link(const invocation& call) {
  auto received = decode_call(encode_call(call, now), now + 1h, now + 1h + 3s);
  EXPECT_TRUE(received.has_value());
  return received ? std::move(*received) : received_call{{}, 0, std::make_shared<invocation>()};
}

TEST(CallFrameTest, AnHttpRequestArrivesAsItWasReadAtTheEdge) {
  auto call = call_of(request_with("the body"));
  call->route_key = std::make_shared<const std::string>("POST /pets/{id}");
  call->parameters.emplace_back(std::string_view{*call->route_key}.substr(12, 2), "7 1");
  call->trace = "Root=1-0";

  const auto received = over_the_link(*call);

  EXPECT_EQ(received.function, call->function->id);
  EXPECT_EQ(received.version, 7u);
  const auto& got = *received.call;
  EXPECT_EQ(got.request_id.view(), call->request_id.view());
  EXPECT_EQ(got.invocation_id, call->invocation_id);
  EXPECT_EQ(got.arrived_at, now + 1h - 12ms) << "the time that it spent at the other node counts";
  EXPECT_EQ(got.deadline, now + 1h + 3s);
  EXPECT_EQ(*got.route_key, "POST /pets/{id}");
  ASSERT_EQ(got.parameters.size(), 1u);
  EXPECT_EQ(got.parameters[0].first, "id");
  EXPECT_EQ(got.parameters[0].second, "7 1");
  EXPECT_EQ(got.trace, "Root=1-0");
  ASSERT_TRUE(got.request);
  EXPECT_EQ(got.request->head.view(), call->request->head.view());
  EXPECT_EQ(got.request->body.view(), "the body");
  EXPECT_EQ(got.request->method, "POST");
  EXPECT_EQ(got.request->target, "/pets/7%201?x=1&y=");
  EXPECT_EQ(got.request->path, "/pets/7%201");
  EXPECT_EQ(got.request->query, "x=1&y=");
  ASSERT_EQ(got.request->fields.size(), 3u);
  EXPECT_EQ(got.request->fields[0].name, "Host");
  EXPECT_EQ(got.request->fields[0].value, "a.example");
  EXPECT_EQ(got.request->fields[1].value, "");
  EXPECT_EQ(got.request->fields[2].value, "\xff\x01");
  EXPECT_EQ(got.request->peer_address, "2001:db8::7");
  EXPECT_EQ(got.request->local_port, 8080);
  EXPECT_TRUE(got.request->secure);
}

TEST(CallFrameTest, ARequestWithoutABodyArrivesWithoutOne) {
  const auto received = over_the_link(*call_of(request_with("")));

  ASSERT_TRUE(received.call->request);
  EXPECT_TRUE(received.call->request->body.empty());
  EXPECT_EQ(received.call->request->path, "/pets/7%201");
}

TEST(CallFrameTest, ADirectInvokeKeepsEventContextAndTheWishForItsLog) {
  auto call = call_of(nullptr);
  call->json = R"({"a":1})";
  call->client_context = R"({"custom":{}})";
  call->wants_log_tail = true;

  const auto received = over_the_link(*call);

  EXPECT_FALSE(received.call->request);
  EXPECT_EQ(received.call->json, R"({"a":1})");
  EXPECT_EQ(received.call->client_context, R"({"custom":{}})");
  EXPECT_TRUE(received.call->wants_log_tail);
}

/// Gives `decode` the head cut at every length and with every byte changed: it may refuse, it may never read elsewhere.
template <class Decode>
void damage_every_byte(const call_parts& good, Decode decode) {
  for (std::size_t i = 0; i < good.head.size(); ++i) {
    call_parts cut{buffer{good.head.view().substr(0, i)}, buffer{good.body.view()}};
    EXPECT_FALSE(decode(std::move(cut))) << "cut at " << i;
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      call_parts changed{buffer{good.head.view()}, buffer{good.body.view()}};
      changed.head.data()[i] = static_cast<char>(static_cast<unsigned char>(changed.head.data()[i]) ^ flip);
      decode(std::move(changed));
    }
  }
}

TEST(CallFrameTest, DamagedCallsAreRefusedOrStayWithinTheirBytes) {
  auto call = call_of(request_with("body"));
  call->route_key = std::make_shared<const std::string>("POST /pets/{id}");
  call->parameters.emplace_back(std::string_view{*call->route_key}.substr(12, 2), "7");

  damage_every_byte(encode_call(*call, now), [](call_parts parts) {
    const auto received = decode_call(std::move(parts), now, now);
    if (!received)
      return false;
    if (const auto& request = received->call->request) {
      const auto head = request->head.view();
      for (const auto& field : request->fields)
        EXPECT_TRUE(field.name.empty() || (field.name.data() >= head.data() &&
                                           field.name.data() + field.name.size() <= head.data() + head.size()));
    }
    return true;
  });
}

TEST(CallFrameTest, ARequestIdThatIsNoneIsRefused) {
  // It goes into the event as it is: a quote in it would end the text that it stands in.
  for (const char wrong : {'"', '\\', '\n', '\xff', '='}) {
    auto call = call_of(request_with("body"));
    call->request_id.chars[3] = wrong;

    EXPECT_FALSE(decode_call(encode_call(*call, now), now, now));
  }
}

TEST(CallFrameTest, AFailureKeepsItsCodePayloadAndTimes) {
  functions::outcome sent;
  sent.value = functions::failure{errc::function_timeout, R"({"errorType":"Sandbox.Timedout"})", "after 3 s"};
  sent.queued = 5ms;
  sent.started = 2ms;
  sent.ran = 3s;
  sent.log_tail = "START\nEND\n";

  const auto got = decode_outcome(encode_outcome(sent));

  ASSERT_TRUE(got);
  const auto& failed = std::get<functions::failure>((*got)->value);
  EXPECT_EQ(failed.code, errc::function_timeout);
  EXPECT_EQ(failed.payload, R"({"errorType":"Sandbox.Timedout"})");
  EXPECT_EQ(failed.detail, "after 3 s");
  EXPECT_EQ((*got)->queued, 5ms);
  EXPECT_EQ((*got)->started, 2ms);
  EXPECT_EQ((*got)->ran, 3s);
  EXPECT_EQ((*got)->log_tail, "START\nEND\n");
}

TEST(CallFrameTest, AnAnswerOfAWorkerArrivesByteForByteWithRoomForItsParser) {
  for (const std::string tail : {"", "START\n"}) {
    functions::outcome sent;
    sent.log_tail = tail;
    sent.value = functions::json_answer{buffer{R"({"statusCode" : 200})"}};

    const auto got = decode_outcome(encode_outcome(sent));

    ASSERT_TRUE(got);
    const auto& json = std::get<functions::json_answer>((*got)->value);
    EXPECT_EQ(json.bytes.view(), R"({"statusCode" : 200})");
    EXPECT_GE(json.bytes.capacity(), json.bytes.size() + functions::answer_padding);
    EXPECT_EQ((*got)->log_tail, tail);
  }
}

TEST(CallFrameTest, ANativeResponseOwnsWhatItsViewsShow) {
  functions::outcome sent;
  functions::native_response response;
  response.status = 201;
  response.headers = {{"content-type", "text/plain"}, {"x-empty", ""}};
  response.body = functions::foreign_bytes{std::string{"hello"}};
  sent.value = std::move(response);
  sent.log_tail = "tail";

  auto got = decode_outcome(encode_outcome(sent));

  ASSERT_TRUE(got);
  const auto moved = std::move(std::get<functions::native_response>((*got)->value));
  EXPECT_EQ(moved.status, 201u);
  ASSERT_EQ(moved.headers.size(), 2u);
  EXPECT_EQ(moved.headers[0].first, "content-type");
  EXPECT_EQ(moved.headers[0].second, "text/plain");
  EXPECT_EQ(moved.headers[1].second, "");
  EXPECT_EQ(moved.body.view(), "hello");
}

TEST(CallFrameTest, DamagedOutcomesAreRefusedOrStayWithinTheirBytes) {
  functions::outcome sent;
  functions::native_response response;
  response.headers = {{"a", "b"}};
  response.body = functions::foreign_bytes{std::string{"hello"}};
  sent.value = std::move(response);
  sent.log_tail = "tail";
  const auto good = encode_outcome(sent);

  damage_every_byte(good, [](call_parts parts) { return decode_outcome(std::move(parts)).has_value(); });
  for (std::size_t i = 0; i < good.body.size(); ++i) {
    call_parts cut{buffer{good.head.view()}, buffer{good.body.view().substr(0, i)}};
    const auto got = decode_outcome(std::move(cut));
    if (got) {
      EXPECT_LE(std::get<functions::native_response>((*got)->value).body.view().size(), 5u);
    }
  }
}

}  // namespace
}  // namespace troupe::actors
