#include "cluster/function_change.hpp"

#include <gtest/gtest.h>

#include "cluster/catalog_view.hpp"
#include "cluster/record_codec.hpp"

using namespace troupe;
using namespace troupe::cluster;

TEST(FunctionChangeTest, WhatIsNotSetStays) {
  function_record record;
  record.handler = "index.handler";
  record.timeout_ms = 7000;
  record.environment = {{"ONE", "1"}};

  apply({}, record);

  EXPECT_EQ(record.handler, "index.handler");
  EXPECT_EQ(record.timeout_ms, 7000u);
  EXPECT_EQ(record.environment.size(), 1u);
}

TEST(FunctionChangeTest, TheEnvironmentIsReplacedAndTagsAreMerged) {
  function_record record;
  record.environment = {{"ONE", "1"}, {"TWO", "2"}};
  record.tags = {{"kept", "1"}, {"changed", "1"}, {"dropped", "1"}};
  function_change change;
  change.environment.emplace()["THREE"] = "3";
  change.set_tags = {{"changed", "2"}, {"added", "3"}};
  change.drop_tags = {"dropped", "never there"};

  apply(change, record);

  EXPECT_EQ(record.environment, (std::map<std::string, std::string>{{"THREE", "3"}}));
  EXPECT_EQ(record.tags, (std::map<std::string, std::string>{{"added", "3"}, {"changed", "2"}, {"kept", "1"}}));
}

TEST(FunctionChangeTest, WhatTheLambdaApiWasToldIsStored) {
  function_record record;
  record.name = "hello";
  record.runtime = "nodejs20.x";
  record.form = "folder";
  function_change change;
  change.role = "role";
  change.description = "text";
  change.architecture = "arm64";
  change.tracing = "Active";
  change.ephemeral_mb = 1024;

  apply(change, record);
  const auto read = decode_function({function_key("hello"), encode(record), 3});

  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->role, "role");
  EXPECT_EQ(read->description, "text");
  EXPECT_EQ(read->architecture, "arm64");
  EXPECT_EQ(read->tracing, "Active");
  EXPECT_EQ(read->ephemeral_mb, 1024u);
  EXPECT_TRUE(read->unknown.empty());
}

TEST(FunctionChangeTest, AFunctionIsFoundByItsName) {
  catalog_snapshot snapshot;
  for (const auto* name : {"a", "a-b", "ab", "b"}) {
    snapshot.functions.emplace_back();
    snapshot.functions.back().name = name;
  }

  for (const auto& function : snapshot.functions)
    EXPECT_EQ(find_function(snapshot, function.name), &function);
  for (const auto* name : {"", "A", "aa", "c"})
    EXPECT_EQ(find_function(snapshot, name), nullptr) << name;
}
