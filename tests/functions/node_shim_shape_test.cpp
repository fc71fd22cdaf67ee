// Events that come to a Node.js worker as a shape and values: a handler cannot tell them from the JSON text.
#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "event_case.hpp"
#include "functions/event_shapes.hpp"
#include "node_shim_fixture.hpp"

namespace troupe::functions::testing {

using ::testing::HasSubstr;

namespace {

/// What a handler can find out about a value, and its context.
constexpr const char* look_closely = R"(
const util = require('node:util'), v8 = require('node:v8');
function walk(value) {
  if (value === null || typeof value !== 'object') return [typeof value, Object.is(value, -0)];
  return [Object.getPrototypeOf(value) === (Array.isArray(value) ? Array : Object).prototype, Object.isExtensible(value),
    Reflect.ownKeys(value).map((key) => {
      const { value: inner, ...flags } = Object.getOwnPropertyDescriptor(value, key);
      return [String(key), flags, walk(inner)];
    })];
}
exports.handler = async (event, context) => {
  const before = walk(event), text = JSON.stringify(event);
  structuredClone(event).headers = 1;
  event.headers.added = { ...event.requestContext };
  delete event.version;
  return [text, before, util.inspect(event, { showHidden: true, depth: 9 }), v8.serialize(event).toString('base64'),
    context.awsRequestId, process.env._X_AMZN_TRACE_ID, context.getRemainingTimeInMillis() > 50_000];
};)";

class random_requests {
public:
  explicit random_requests(unsigned seed) : random_{seed} {}

  std::unique_ptr<event_case> next() {
    auto owner = std::make_unique<event_case>(
        pick({"/", "/a?x=1", "/%22?__proto__=1&0=2&x&x=3", "/\xc3\xa9?a=%00%E2%80%A8&10=a&9=b"}));
    auto& made = *owner;
    made.request->method = pick({"GET", "POST"});
    for (auto count = random_() % 7; count > 0; --count)
      made.field(pick({"Host", "User-Agent", "X-A", "x-a", "__proto__", "1", "0", "constructor", "toJSON", "Cookie",
                       "Content-Type", "sec-ch-ua", "X-Forwarded-For", "values", "a\"__proto__", "a,b"}),
                 pick({"", "a", "text/plain", "\"A\\\";v=\"8\"", "\xff", "\xc3\xa9\xf0\x9f\x98\x80", "\xe2\x80\xa8",
                       "-0", "1e400", "values[0]", "__proto__", "${1}", "a=b; c=\"d\"", "\t\x7f"}));
    if (random_() % 3 == 0)
      made.body(pick({"text", "{\"a\":\"\\u0000\"}", "\xff\x01\x02", "\xe2\x80\xa9\x01"}));
    if (random_() % 3 == 0)
      made.call.parameters = {{"id", std::string{pick({"", "6", "\"", "\x01"})}}, {"__proto__", "7"}};
    made.wall = milliseconds{1'583'348'638'390 + random_() % 100'000'000};
    return owner;
  }

private:
  std::string_view pick(std::initializer_list<std::string_view> from) {
    return *(from.begin() + random_() % from.size());
  }
  std::mt19937 random_;
};

}  // namespace

class NodeShapeTest : public NodeShimTest {
protected:
  /// The same request twice: as JSON, then as shape and values.
  void expect_no_difference(const event_case& request, std::uint64_t number) {
    buffer event;
    std::vector<json_span> varying;
    append_event(event, request.call, {.wall = request.wall, .trace = trace_id{request.call, request.wall}}, &varying);
    event_shapes shapes;
    for (unsigned n = 1; n < event_shapes::told_after; ++n)
      ASSERT_FALSE(shapes.find(event.view(), varying));
    ASSERT_TRUE(shapes.find(event.view(), varying));
    buffer values;
    append_values(values, event.view(), varying);
    const auto deadline = static_cast<std::uint64_t>(wall_now().count()) + 60'000;
    const call_fields fields{"invocation", deadline, "Root=1-2-3", ""};

    buffer out;
    const auto mark = begin_call(out, 2 * number + 1);
    out.append(event.view());
    ASSERT_TRUE(end_call(out, mark, fields, 1U << 20));
    append_shape(out, number % event_shapes::max_shapes, shapes.shape());
    append_shaped_call(out, 2 * number + 2, number % event_shapes::max_shapes, fields, values.view());
    send(out);

    const auto plain = result(2 * number + 1);
    const auto shaped = result(2 * number + 2);
    ASSERT_EQ(plain.kind, frame_kind::answer) << plain.payload << event.view();
    ASSERT_EQ(shaped.payload, plain.payload) << shapes.shape();
    // Names that are numbers stand first in a JavaScript object, whatever the text says.
    ASSERT_EQ(nlohmann::json::parse(plain.json()[0].get<std::string>()), nlohmann::json::parse(event.view()));
  }
};

TEST_F(NodeShapeTest, HandlerCannotTellThemFromJson) {
  serve(look_closely);
  random_requests requests{11};
  for (std::uint64_t n = 0; n < 400 && !HasFatalFailure(); ++n) {
    const auto request = requests.next();
    expect_no_difference(*request, n);
  }
}

TEST_F(NodeShapeTest, NorWhereNodeMayNotCompileText) {
  spec.environment = {{"NODE_OPTIONS", "--disallow-code-generation-from-strings"}};
  serve(std::string{look_closely} + "try { eval('1'); process.exit(3); } catch { }");
  random_requests requests{12};
  for (std::uint64_t n = 0; n < 100 && !HasFatalFailure(); ++n) {
    const auto request = requests.next();
    expect_no_difference(*request, n);
  }
}

TEST_F(NodeShapeTest, CallThatWaitsKeepsItsShapeWhenTheNumberGoesToAnother) {
  serve("exports.handler = async (event) => { await null; return event; };");
  const call_fields fields{"invocation", 1, "Root=1-2-3", ""};
  buffer out;
  append_shape(out, 0, "{\"first\":\1}");
  append_shaped_call(out, 1, 0, fields, ",1");
  append_shaped_call(out, 2, 0, fields, ",\"\xc3\xa9\"");
  append_shape(out, 0, "{\"second\":[\1]}");
  append_shaped_call(out, 3, 0, fields, ",3");
  send(out);
  EXPECT_EQ(result(1).payload, R"({"first":1})");
  EXPECT_EQ(result(2).payload, "{\"first\":\"\xc3\xa9\"}");
  EXPECT_EQ(result(3).payload, R"({"second":[3]})");
}

TEST_F(NodeShapeTest, CodeThatReplacesTheParserOfJsonSeesThem) {
  serve(R"(const { parse } = JSON;
    exports.handler = async (event) => { JSON.parse = (text) => ({ seen: text, is: parse(text) }); return event; };)");
  const call_fields fields{"invocation", 1, "Root=1-2-3", ""};
  buffer out;
  append_shape(out, 0, "{\"a\":\1}");
  append_shaped_call(out, 1, 0, fields, ",\"x\"");
  append_shaped_call(out, 2, 0, fields, ",\"\xc3\xa9\"");
  send(out);
  EXPECT_EQ(result(1).payload, R"({"a":"x"})");
  EXPECT_EQ(result(2).payload, "{\"seen\":\"{\\\"a\\\":\\\"\xc3\xa9\\\"}\",\"is\":{\"a\":\"\xc3\xa9\"}}");
}

TEST_F(NodeShapeTest, LinesAndErrorsOfShapedCallsHaveTheirInvocation) {
  serve("exports.handler = (event) => { console.log('line'); throw new Error('boom'); };", {{"concurrency", 2}});
  buffer out;
  append_shape(out, 7, "{\"a\":\1}");
  append_shaped_call(out, 1, 7, {"that-one", 1, "Root=1-2-3", ""}, ",1");
  send(out);
  EXPECT_EQ(result(1).json()["errorMessage"], "boom");
  ASSERT_EQ(logs.size(), 2U);
  EXPECT_THAT(logs[0].payload, HasSubstr("\tthat-one\tINFO\tline"));
  EXPECT_EQ(logs[1].text, "that-one");
}

}  // namespace troupe::functions::testing
