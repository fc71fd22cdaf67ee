#include "cluster/catalog_view.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "cluster/record_codec.hpp"

using namespace troupe;
using namespace troupe::cluster;

namespace {

record function_of(const std::string& name, std::uint64_t revision) {
  function_record function;
  function.name = name;
  function.version = revision;
  function.runtime = "native";
  function.form = "object";
  return {function_key(name), encode(function), revision};
}

record route_of(const std::string& key, const std::string& function, std::uint64_t revision) {
  route_record route;
  route.function = function;
  return {route_record_key("default", key), encode(route), revision};
}

std::string summary(const catalog_snapshot& snapshot) {
  auto text = std::to_string(snapshot.cursor) + ":";
  for (const auto& function : snapshot.functions)
    text += " " + function.name + "@" + std::to_string(function.revision);
  for (const auto& route : snapshot.routes)
    text += " [" + route.key + "]=" + route.function + "@" + std::to_string(route.revision);
  return text;
}

}  // namespace

TEST(CatalogViewTest, FunctionsAndRoutesAreSortedAndOtherKindsPassedOver) {
  const std::vector<record> records = {route_of("GET /b", "b", 4),
                                       function_of("b", 2),
                                       {"setting/x", "whatever", 3},
                                       route_of("GET /a", "a", 5),
                                       function_of("a", 1)};

  const auto view = make_snapshot(records, {9});

  EXPECT_EQ(summary(*view.snapshot), "9: a@1 b@2 [GET /a]=a@5 [GET /b]=b@4");
  EXPECT_TRUE(view.unreadable.empty());
}

TEST(CatalogViewTest, OneUnreadableRecordDoesNotHideTheOthers) {
  const std::vector<record> records = {function_of("a", 1), {"function/b", "damaged", 2}};

  const auto view = make_snapshot(records, {2});

  EXPECT_EQ(summary(*view.snapshot), "2: a@1");
  ASSERT_EQ(view.unreadable.size(), 1u);
  EXPECT_EQ(view.unreadable[0].code, errc::corrupt);
  EXPECT_NE(view.unreadable[0].what.find("function/b"), std::string::npos);
}

TEST(CatalogViewTest, CommitsThatTheSnapshotHasAlreadyChangeNothing) {
  const std::vector<record> records = {function_of("a", 5)};
  const auto before = make_snapshot(records, {5}).snapshot;

  const std::vector<applied> old = {{{4}, {}, {"function/a"}}, {{5}, {function_of("b", 5)}, {}}};
  const auto after = cluster::apply(*before, old).snapshot;

  EXPECT_EQ(summary(*after), "5: a@5");
}

TEST(CatalogViewTest, ApplyingCommitsOneByOneEqualsLoadingTheirResult) {
  std::mt19937_64 random{7};
  std::map<std::string, record> all;
  auto followed = make_snapshot({}, {0}).snapshot;

  for (std::uint64_t revision = 1; revision <= 500; ++revision) {
    applied commit;
    commit.cursor.value = revision;
    const auto name = std::string(1, static_cast<char>('a' + random() % 8));
    switch (random() % 4) {
      case 0: commit.puts = {function_of(name, revision), route_of("GET /" + name, name, revision)}; break;
      case 1: commit.puts = {{function_key(name), "damaged", revision}}; break;
      case 2: commit.erased = {function_key(name)}; break;
      default: commit.erased = {route_record_key("default", "GET /" + name)};
    }
    for (const auto& put : commit.puts)
      all[put.key] = put;
    for (const auto& key : commit.erased)
      all.erase(key);
    followed = cluster::apply(*followed, {&commit, 1}).snapshot;
  }

  std::vector<record> records;
  for (const auto& [key, each] : all)
    records.push_back(each);
  EXPECT_EQ(summary(*followed), summary(*make_snapshot(records, {500}).snapshot));
}
