#include "actors/envelope.hpp"

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>
#include <msgpack.hpp>
#include <random>

#include "actors/envelope_body.hpp"
#include "actors/type_ids.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

/// Sends a message through CAF's serializer as the middleman would; the types' names travel along.
class MessageTypesTest : public ::testing::Test {
protected:
  static caf::actor_system_config& prepared(caf::actor_system_config& config) {
    add_message_types(config);
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    return config;
  }

  std::vector<char> written(caf::message message) {
    std::vector<char> bytes;
    caf::binary_serializer sink{system, bytes};
    EXPECT_FALSE(sink(message));
    return bytes;
  }

  bool read(std::vector<char> bytes, caf::message& message) {
    caf::binary_deserializer source{system, bytes};
    return !source(message);
  }

  template <class T>
  void comes_back(const T& value) {
    caf::message message;
    ASSERT_TRUE(read(written(caf::make_message(value)), message));
    ASSERT_TRUE(message.match_elements<T>());
    EXPECT_EQ(message.get_as<T>(0), value);
  }

  caf::actor_system_config config;
  caf::actor_system system{prepared(config)};
};

envelope example() {
  envelope message;
  message.cluster = make_fast_uuid();
  message.incarnation = make_fast_uuid();
  message.kind = envelope_kind::events;
  message.body = std::string{"\0\xff\x80 body", 8};
  return message;
}

}  // namespace

TEST_F(MessageTypesTest, EachTypeOfTheBlockComesBackAsItWent) {
  static_assert(caf::id_block::troupe::end - caf::id_block::troupe::begin == 1, "a new type needs a line below");
  comes_back(example());
  comes_back(envelope{});
  auto full = example();
  full.body.assign(max_envelope_bytes, 'x');
  comes_back(full);
}

TEST_F(MessageTypesTest, TheNameOnTheWireIsShort) {
  const auto bytes = written(caf::make_message(example()));
  const std::string_view text{bytes.data(), bytes.size()};
  EXPECT_NE(text.find("+te"), std::string_view::npos);
  EXPECT_EQ(text.find("envelope"), std::string_view::npos);
}

TEST_F(MessageTypesTest, DamagedBytesAreReadOrRefusedButNeverMore) {
  std::mt19937_64 random{9};
  const auto good = written(caf::make_message(example()));
  for (int i = 0; i < 5'000; ++i) {
    auto bytes = good;
    for (auto flips = random() % 4; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    caf::message message;
    read(bytes, message);
  }
}

TEST(EnvelopeTest, SizeAndKindAreChecked) {
  auto message = example();
  EXPECT_TRUE(check(message).has_value());

  message.body.assign(max_envelope_bytes + 1, 'x');
  EXPECT_EQ(check(message).error().code, errc::too_big);

  message.body.clear();
  for (const int kind : {0, 13, 255}) {
    message.kind = static_cast<envelope_kind>(kind);
    EXPECT_EQ(check(message).error().code, errc::bad_usage) << kind;
  }
}

namespace {

cluster::load_report example_report() {
  cluster::load_report report;
  report.sequence = ~std::uint64_t{0};
  report.part = 1;
  report.parts = 3;
  report.form = cluster::report_form::whole;
  report.numbers = {7, 1000, 1ull << 40, 5, cluster::serving_state::draining, {}, {}};
  report.numbers.functions = {{make_fast_uuid(), 1, 2, 3, 4, 5, {6, 7}},
                              {make_fast_uuid(), ~0u, ~0u, ~0u, ~0u, ~0u, {~0u, ~0u}}};
  report.gone = {make_fast_uuid()};
  return report;
}

cluster::event_page example_page() {
  return {{{1, -5, "member_joined", "n2"}, {~std::uint64_t{0}, 1'700'000'000'000, "x", ""}}, 99, true};
}

template <class Body>
void comes_back(const Body& body) {
  const auto read = decode<Body>(encode(body));
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(*read, body);
}

template <class Body>
void survives(const std::string& good, std::mt19937_64& random) {
  auto body = good;
  for (auto flips = random() % 4; flips > 0 && !body.empty(); --flips)
    body[random() % body.size()] = static_cast<char>(random());
  if (random() % 2 == 0)
    body.resize(random() % (body.size() + 1));
  if (const auto read = decode<Body>(body)) {
    EXPECT_LE(encode(*read).size(), max_envelope_bytes);
    EXPECT_TRUE(decode<Body>(encode(*read)).has_value());
  } else {
    EXPECT_EQ(read.error().code, errc::corrupt);
  }
}

}  // namespace

TEST(EnvelopeBodyTest, EachBodyComesBackAsItWent) {
  comes_back(introduction{make_fast_uuid(), "node-1"});
  comes_back(refusal{errc::conflict, "another incarnation"});
  comes_back(example_report());
  comes_back(cluster::load_report{});
  comes_back(spawn_request{1, make_fast_uuid(), ~std::uint64_t{0}});
  comes_back(spawn_request{1, make_fast_uuid(), 2, ~std::uint64_t{0}, {3, ~0u}});
  comes_back(reply_body{2, 0, ""});
  comes_back(reply_body{3, static_cast<std::uint8_t>(errc::no_capacity), "no room"});
  comes_back(function_report{make_fast_uuid(), 4, static_cast<std::uint8_t>(errc::init_failed), "SyntaxError"});
  comes_back(drain_notice_body{cluster::serving_state::serving});
  comes_back(drain_notice_body{cluster::serving_state::draining});
  comes_back(drain_notice_body{cluster::serving_state::stalled});
  comes_back(events_request_body{5, {}, 6, 7});
  comes_back(events_request_body{5, make_fast_uuid(), 6, 7});
  comes_back(events_body{8, example_page()});
}

TEST(EnvelopeBodyTest, AStateThatOnlyNewerNodesKnowIsADrain) {
  for (const int state : {0, 4, 255}) {
    auto report = example_report();
    report.numbers.state = static_cast<cluster::serving_state>(state);
    const auto read = decode<cluster::load_report>(encode(report));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->numbers.state, cluster::serving_state::draining) << state;
  }
}

TEST(EnvelopeBodyTest, TheLargestPartOfAReportFitsIntoAnEnvelope) {
  auto report = example_report();
  report.numbers.functions.assign(cluster::load_reporter::max_entries,
                                  {make_fast_uuid(), ~0u, ~0u, ~0u, ~0u, ~0u, {~0u, ~0u}});
  report.gone.clear();
  EXPECT_LE(encode(report).size(), max_envelope_bytes);
  comes_back(report);
}

TEST(EnvelopeBodyTest, EventsBeyondAnEnvelopeAreLeftForTheNextRequest) {
  events_body body;
  for (std::uint64_t i = 1; i <= 500; ++i)
    body.page.events.push_back({i, 1, std::string(100, 'n'), std::string(1'000, 't')});

  const auto bytes = encode(body);
  const auto read = decode<events_body>(bytes);

  EXPECT_LE(bytes.size(), max_envelope_bytes);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_TRUE(read->page.more);
  EXPECT_GT(read->page.events.size(), 50u);
  EXPECT_LT(read->page.events.size(), 500u);
  EXPECT_EQ(read->page.events.back().sequence, read->page.events.size());
  EXPECT_EQ(read->page.events[0].text.size(), 1'000u);
}

TEST(EnvelopeBodyTest, ALongLineIsCutAndThoseOfOneNumberStayTogether) {
  events_body body;
  body.page.events = {
      {1, 1, "", std::string(40'000, 'x')}, {2, 1, "", std::string(30'000, 'y')}, {2, 1, "", std::string(30'000, 'z')}};

  const auto read = decode<events_body>(encode(body));

  ASSERT_TRUE(read.has_value()) << read.error().what;
  ASSERT_EQ(read->page.events.size(), 1u);
  EXPECT_EQ(read->page.events[0].text, std::string(32 * 1024, 'x'));
  EXPECT_TRUE(read->page.more);
}

TEST(EnvelopeBodyTest, LongTextsAreCutBetweenCharacters) {
  std::string text = "x";
  while (text.size() < 3'000)
    text += "\xc3\xa4";
  const auto read = decode<reply_body>(encode(reply_body{1, 2, text}));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->what.size(), 1'023u);
  EXPECT_TRUE(text.starts_with(read->what));
}

TEST(EnvelopeBodyTest, FieldsOfANewerNodeAreSkippedAndMissingOnesAreFaults) {
  msgpack::sbuffer bytes;
  msgpack::packer out{bytes};
  out.pack_map(4);
  out.pack("later").pack(std::vector<int>{1, 2});
  out.pack("request").pack(7);
  out.pack("code").pack(0);
  out.pack("what").pack("");
  const auto read = decode<reply_body>({bytes.data(), bytes.size()});
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->request, 7u);

  const auto missing = decode<reply_body>(encode(drain_notice_body{}));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().what, "field 'request' is missing");
}

TEST(EnvelopeBodyTest, WhatCannotBeReadIsCorrupt) {
  const auto good = encode(spawn_request{1, make_fast_uuid(), 2});
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "not msgpack"},
      {"\xc1", "not msgpack"},
      {good.substr(0, good.size() / 2), "not msgpack"},
      {good + "x", "behind its end"},
      {"\x01", "not a map"},
      {std::string{"\xdf\xff\xff\xff\xff"}, "not msgpack"},
      {std::string(1'000, '\x91'), "not msgpack"},
      {std::string{"\x81\x01\x02"}, "name is no text"},
      {std::string(max_envelope_bytes + 1, 'x'), "larger than"},
  };
  for (const auto& [body, what] : bad) {
    const auto read = decode<spawn_request>(body);
    ASSERT_FALSE(read.has_value()) << what;
    EXPECT_EQ(read.error().code, errc::corrupt);
    EXPECT_NE(read.error().what.find(what), std::string::npos) << read.error().what;
  }
}

TEST(EnvelopeBodyTest, DamagedBodiesAreReadOrRefusedButNeverMore) {
  std::mt19937_64 random{5};
  for (int i = 0; i < 3'000; ++i) {
    survives<introduction>(encode(introduction{make_fast_uuid(), "node"}), random);
    survives<refusal>(encode(refusal{errc::conflict, "what"}), random);
    survives<cluster::load_report>(encode(example_report()), random);
    survives<spawn_request>(encode(spawn_request{1, make_fast_uuid(), 3}), random);
    survives<reply_body>(encode(reply_body{1, 2, "what"}), random);
    survives<function_report>(encode(function_report{make_fast_uuid(), 3, 0, ""}), random);
    survives<drain_notice_body>(encode(drain_notice_body{}), random);
    survives<events_request_body>(encode(events_request_body{1, {}, 2, 3}), random);
    survives<events_body>(encode(events_body{1, example_page()}), random);
  }
}
