#include "functions/event_shapes.hpp"

#include <gtest/gtest.h>

#include "event_case.hpp"

namespace troupe::functions {
namespace {

struct varying_event {
  std::string text;
  std::vector<json_span> varying;

  explicit varying_event(const event_case& from) {
    buffer out{"what stands before it"};
    const auto begin = out.size();
    append_event(out, from.call, {.wall = from.wall, .trace = trace_id{from.call, from.wall}}, &varying);
    text = out.view().substr(begin);
  }
  /// A text with one value, of a shape by the name of its member.
  explicit varying_event(const std::string& name, const std::string& value) : text{"{\"" + name + "\":" + value + "}"} {
    varying.push_back({name.size() + 4, text.size() - 1});
  }
};

/// As a worker that joins shape and values.
std::string joined(std::string_view shape, std::string_view event, const std::vector<json_span>& varying) {
  std::string out;
  std::size_t next = 0;
  for (const char c : shape) {
    if (c != event_shapes::mark) {
      out.push_back(c);
      continue;
    }
    const auto& value = varying.at(next++);
    out.append(event.substr(value.from, value.to - value.from));
  }
  EXPECT_EQ(next, varying.size());
  return out;
}

std::optional<event_shapes::known> find(event_shapes& shapes, const varying_event& event) {
  return shapes.find(event.text, event.varying);
}

/// @returns how often the event was seen before its shape was to be told; 0 when it was not in `most`.
unsigned sightings_until_told(event_shapes& shapes, const varying_event& event, unsigned most = 1000) {
  for (unsigned n = 1; n <= most; ++n)
    if (const auto known = find(shapes, event))
      return known->told ? 0 : n;
  return 0;
}

}  // namespace

TEST(EventShapesTest, ShapeAndValuesTogetherAreTheEvent) {
  event_case request{"/caf%C3%A9/6?a=1&b=%22&a=2&__proto__=x"};
  request.field("Host", "pets.example:8443").field("sec-ch-ua", "\"A\\\";v=\"8\"").field("x-a", "1").field("X-A", "2");
  request.field("Cookie", "a=b; c=\"d\"").field("User-Agent", "Firefox").field("X-Forwarded-For", "192.0.2.7");
  request.field("Content-Type", "text/plain").body("line\nline\x01");
  request.call.parameters = {{"id", "6\""}};
  const varying_event event{request};
  event_shapes shapes;

  EXPECT_EQ(sightings_until_told(shapes, event), event_shapes::told_after);

  EXPECT_EQ(joined(shapes.shape(), event.text, event.varying), event.text);
  EXPECT_EQ(shapes.shape().find("Firefox"), std::string_view::npos) << shapes.shape();
  for (const auto& value : event.varying)
    EXPECT_TRUE(nlohmann::json::accept(event.text.substr(value.from, value.to - value.from)));
}

TEST(EventShapesTest, RequestsOfOneRouteAndClientAreAlike) {
  const auto of = [](std::string_view target, std::string_view agent, milliseconds wall) {
    event_case request{target};
    request.field("Host", "a").field("User-Agent", agent);
    request.wall = wall;
    return varying_event{request};
  };
  event_shapes shapes;
  sightings_until_told(shapes, of("/pets/1", "first", milliseconds{1}));

  const auto known = find(shapes, of("/pets/2", "second", milliseconds{1'583'348'638'390}));

  ASSERT_TRUE(known);
  EXPECT_TRUE(known->told);
  EXPECT_EQ(known->number, 0U);
  EXPECT_FALSE(find(shapes, of("/pets/2?a=b", "second", milliseconds{2})));
}

TEST(EventShapesTest, DirectInvokesHaveNone) {
  invocation call;
  call.json = R"({"a":"b"})";
  buffer out;
  std::vector<json_span> varying;
  append_event(out, call, {.wall = milliseconds{0}, .trace = trace_id{call, milliseconds{0}}}, &varying);
  EXPECT_TRUE(varying.empty());
  event_shapes shapes;
  EXPECT_EQ(shapes.find(out.view(), varying), std::nullopt);
}

TEST(EventShapesTest, LargeOnesAreSentAsTheyAre) {
  event_shapes shapes;
  EXPECT_EQ(sightings_until_told(shapes, varying_event{"a", std::string(event_shapes::max_event_bytes, '1')}), 0U);
  EXPECT_EQ(sightings_until_told(shapes, varying_event{std::string(event_shapes::max_shape_bytes, 'a'), "1"}), 0U);
  varying_event many{"a", "1"};
  many.varying.resize(event_shapes::max_values + 1);
  EXPECT_EQ(sightings_until_told(shapes, many), 0U);
}

TEST(EventShapesTest, ShapesThatDoNotReturnAreNeverTold) {
  event_shapes shapes;
  for (int n = 0; n < 100'000; ++n)
    ASSERT_FALSE(find(shapes, varying_event{"x-" + std::to_string(n), "1"}));
}

TEST(EventShapesTest, NewOnesTakeThePlaceOfTheLeastUsedNowAndThen) {
  event_shapes shapes;
  const auto named = [](std::size_t n) { return varying_event{"x-" + std::to_string(n), "1"}; };
  for (std::size_t n = 0; n < event_shapes::max_shapes; ++n)
    ASSERT_GT(sightings_until_told(shapes, named(n)), 0U);
  for (std::size_t n = 0; n < event_shapes::max_shapes; ++n)
    if (n != 5) {
      EXPECT_EQ(find(shapes, named(n))->number, n);
    }
  const auto exchange = [&](std::size_t n) { return sightings_until_told(shapes, named(n), 10'000); };

  ASSERT_GT(exchange(100), 0U);
  EXPECT_EQ(find(shapes, named(100))->number, 5U);

  EXPECT_GE(exchange(101), event_shapes::exchange_interval - 1) << "the next one waits";
}

}  // namespace troupe::functions
