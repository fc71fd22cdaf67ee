#include "cluster/record_codec.hpp"

#include <gtest/gtest.h>

#include <msgpack.hpp>
#include <random>

using namespace troupe;
using namespace troupe::cluster;

namespace {

function_record hello() {
  function_record function;
  function.id = make_fast_uuid();
  function.name = "hello";
  function.version = 7;
  function.runtime = "nodejs20.x";
  function.handler = "index.handler";
  function.form = "folder";
  function.code = sha256("code");
  function.code_bytes = 1'234'567;
  function.timeout_ms = 10'000;
  function.memory_mb = 256;
  function.concurrency = 10;
  function.idempotent = true;
  function.environment = {{"TABLE", "pets"}, {"EMPTY", ""}};
  function.modified_unix_ms = 1'700'000'000'123;
  return function;
}

record stored(const function_record& function, std::uint64_t revision = 41) {
  return {function_key(function.name), encode(function), revision};
}

/// A map of one to many fields, each packed by the caller.
template <class... Field>
std::string map_of(const Field&... fields) {
  msgpack::sbuffer bytes;
  msgpack::packer out{bytes};
  out.pack_map(sizeof...(fields));
  (fields(out), ...);
  return {bytes.data(), bytes.size()};
}

template <class Value>
auto field(std::string name, Value value) {
  return [name, value](auto& out) { out.pack(name).pack(value); };
}

}  // namespace

TEST(RecordCodecTest, AFunctionComesBackAsItWent) {
  const auto function = hello();

  const auto read = decode_function(stored(function));

  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->id, function.id);
  EXPECT_EQ(read->name, "hello");
  EXPECT_EQ(read->version, 7u);
  EXPECT_EQ(read->runtime, "nodejs20.x");
  EXPECT_EQ(read->handler, "index.handler");
  EXPECT_EQ(read->form, "folder");
  EXPECT_EQ(read->code, function.code);
  EXPECT_EQ(read->code_bytes, 1'234'567u);
  EXPECT_EQ(read->timeout_ms, 10'000u);
  EXPECT_EQ(read->memory_mb, 256u);
  EXPECT_EQ(read->concurrency, 10u);
  EXPECT_TRUE(read->idempotent);
  EXPECT_EQ(read->environment, function.environment);
  EXPECT_EQ(read->modified_unix_ms, 1'700'000'000'123);
  EXPECT_EQ(read->revision, 41u);
  EXPECT_EQ(read->schema, record_schema);
}

TEST(RecordCodecTest, ARouteIsKeyedByApiAndRouteKey) {
  route_record route;
  route.api = "default";
  route.key = "ANY /x/{proxy+}";
  route.function = "hello";

  const record kept{route_record_key(route.api, route.key), encode(route), 3};
  const auto read = decode_route(kept);

  EXPECT_EQ(kept.key, "route/default/ANY /x/{proxy+}");
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->api, "default");
  EXPECT_EQ(read->key, "ANY /x/{proxy+}");
  EXPECT_EQ(read->function, "hello");
  EXPECT_EQ(read->revision, 3u);
}

TEST(RecordCodecTest, FieldsOfANewerNodeSurviveARewrite) {
  const std::vector<std::string> nested{"a", "b"};
  const record newer{
      "route/default/GET /x",
      map_of(field("schema", 9), field("function", "hello"), field("weights", nested), field("canary", 12.5f)), 5};

  auto read = decode_route(newer);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  read->function = "other";
  const record rewritten{newer.key, encode(*read), 6};
  const auto again = decode_route(rewritten);

  ASSERT_TRUE(again.has_value()) << again.error().what;
  EXPECT_EQ(again->function, "other");
  EXPECT_EQ(again->schema, 9u);
  ASSERT_EQ(again->unknown.size(), 2u);
  EXPECT_EQ(again->unknown, read->unknown);
  const auto& weights = again->unknown.at("weights");
  EXPECT_EQ(msgpack::unpack(weights.data(), weights.size()).get().as<std::vector<std::string>>(), nested);
}

TEST(RecordCodecTest, FieldsThatAnOlderNodeDidNotWriteHaveTheirDefaults) {
  auto function = hello();
  const std::vector<char> id(16, 'i');
  const std::vector<char> code(32, 'c');
  const record older{"function/hello",
                     map_of(field("schema", 1), field("id", id), field("version", 2), field("runtime", "native"),
                            field("form", "object"), field("code", code)),
                     5};

  const auto read = decode_function(older);

  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->timeout_ms, 3000u);
  EXPECT_EQ(read->memory_mb, 128u);
  EXPECT_TRUE(read->environment.empty());
}

TEST(RecordCodecTest, WhatCannotBeReadIsCorruptAndNamesTheKey) {
  const auto good = encode(hello());
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "not msgpack"},
      {"\xc1", "not msgpack"},
      {good.substr(0, good.size() / 2), "not msgpack"},
      {good + "x", "behind its end"},
      {"\x01", "not a map"},
      {map_of(field("version", 1)), "'schema' is missing"},
      {map_of(field("schema", "one")), "'schema' is of another type"},
      {map_of(field("schema", 1), field("schema", 1)), "'schema' twice"},
      {map_of(field("schema", 1), field("id", std::vector<char>(15, 'i'))), "'id' is not 16 bytes"},
      {std::string{"\xdf\xff\xff\xff\xff"}, "not msgpack"},
      {std::string(1000, '\x91'), "not msgpack"},
      {std::string{"\x81\x01\x02"}, "name is no text"},
  };

  for (const auto& [value, what] : bad) {
    const auto read = decode_function({"function/hello", value, 1});

    ASSERT_FALSE(read.has_value()) << what;
    EXPECT_EQ(read.error().code, errc::corrupt);
    EXPECT_NE(read.error().what.find("function/hello"), std::string::npos) << read.error().what;
    EXPECT_NE(read.error().what.find(what), std::string::npos) << read.error().what;
  }
}

TEST(RecordCodecTest, AKeyOfAnotherKindIsRefused) {
  const auto value = encode(hello());

  for (const auto* key : {"function/", "functions/x", "route/default/GET /", ""})
    EXPECT_FALSE(decode_function({key, value, 1}).has_value()) << key;
  for (const auto* key : {"route/", "route//GET /", "route/default", "route/default/", "function/x"})
    EXPECT_FALSE(decode_route({key, map_of(field("schema", 1), field("function", "f")), 1}).has_value()) << key;
}

TEST(RecordCodecTest, DamagedBytesAreReadOrRefusedButNeverMore) {
  std::mt19937_64 random{6};
  const auto good = encode(hello());

  for (int i = 0; i < 5'000; ++i) {
    auto value = good;
    for (auto flips = random() % 4; flips > 0; --flips)
      value[random() % value.size()] = static_cast<char>(random());
    value.resize(random() % (value.size() + 1));
    if (const auto read = decode_function({"function/hello", value, 1}); read) {
      EXPECT_TRUE(decode_function({"function/hello", encode(*read), 1}).has_value());
    }
  }
}
