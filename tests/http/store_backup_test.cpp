#include "http/store_backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cluster/primary.hpp"
#include "config/text.hpp"

using namespace troupe;
using namespace troupe::http;
using testing::HasSubstr;

namespace {

store_backup sample() {
  store_backup backup;
  backup.identity = {make_uuid(), {3, 0xffff'ffff'ffff'ffff}, make_uuid(), {7}};
  backup.contents.cursor = {42};
  backup.contents.records = {{"function/caf\xc3\xa9", std::string("\x81\x00\xff\n\"", 5), 40},
                             {"route/default/GET /a", "", 42}};
  return backup;
}

std::string fault_of(const std::string& text) {
  const auto parsed = parse_backup(text);
  EXPECT_TRUE(!parsed && parsed.error().code == errc::corrupt) << text;
  return parsed ? std::string{} : parsed.error().what;
}

}  // namespace

TEST(StoreBackupTest, WhatIsWrittenComesBack) {
  const auto written = sample();
  const auto read = parse_backup(backup_text(written));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->identity.store_id, written.identity.store_id);
  EXPECT_EQ(read->identity.generation, written.identity.generation);
  EXPECT_EQ(read->identity.parent_store, written.identity.parent_store);
  EXPECT_EQ(read->identity.parent_cursor, written.identity.parent_cursor);
  EXPECT_EQ(read->contents.cursor, written.contents.cursor);
  ASSERT_EQ(read->contents.records.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->contents.records[i].key, written.contents.records[i].key);
    EXPECT_EQ(read->contents.records[i].value, written.contents.records[i].value);
    EXPECT_EQ(read->contents.records[i].revision, written.contents.records[i].revision);
  }
  store_backup empty = written;
  empty.contents.records.clear();
  EXPECT_TRUE(parse_backup(backup_text(empty))->contents.records.empty());
}

TEST(StoreBackupTest, ACutAtAnyByteIsNoticed) {
  const auto text = backup_text(sample());
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(parse_backup(text.substr(0, size))) << size;
}

TEST(StoreBackupTest, AChangeOfAnyByteIsNoticed) {
  const auto text = backup_text(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_backup(changed)) << at << ": " << changed;
  }
}

TEST(StoreBackupTest, TheFaultNamesItsLine) {
  const auto text = backup_text(sample());
  auto unordered = sample();
  std::swap(unordered.contents.records[0], unordered.contents.records[1]);

  EXPECT_THAT(fault_of(""), HasSubstr("line 1 "));
  EXPECT_THAT(fault_of("{}\n"), HasSubstr("line 1 "));
  EXPECT_THAT(fault_of("{\"troupe_backup\":1}\n"), HasSubstr("lacks who wrote it"));
  EXPECT_THAT(fault_of(text.substr(0, text.find('\n') + 1)), HasSubstr("line 2 "));
  EXPECT_THAT(fault_of(text.substr(0, text.find('\n') + 1) + "{}\n"), HasSubstr("line 2 of the backup is no record"));
  EXPECT_THAT(fault_of(backup_text(unordered)), HasSubstr("line 3 of the backup is out of order"));
  EXPECT_THAT(fault_of(text + "{}\n"), HasSubstr("line 5 of the backup comes after the end"));
}

TEST(StoreBackupTest, ANewerFormIsRefusedInOneLine) {
  const auto parsed = parse_backup("{\"troupe_backup\":2,\"what\":\"else\"}\n");

  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, errc::refused);
  EXPECT_THAT(parsed.error().what, HasSubstr("form 2, written by a newer troupe"));
}

namespace {

/// Three commits, of which the log keeps the last `kept` ones.
cluster::primary short_history(std::size_t kept) {
  cluster::primary_limits limits;
  limits.log_commits = kept;
  auto store = *cluster::primary::make({}, limits);
  for (const auto* key : {"function/a", "function/b", "function/a"}) {
    store.decide({{}, {{key, "v", store.find(key) != nullptr}}, make_fast_uuid()}, milliseconds{0});
    store.made_durable();
  }
  return store;
}

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace

TEST(StoreBackupTest, CommitsBeyondACutAreWrittenEachWithWhatItChanged) {
  const cluster::store_identity identity{make_uuid(), {2, 1}, {}, {}};

  const auto lines = lines_of(commits_text(identity, short_history(10), {1}));

  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["store_id"], to_string(identity.store_id));
  EXPECT_EQ(lines[0]["after"], 1);
  EXPECT_EQ(lines[0]["cursor"], 3);
  EXPECT_EQ(lines[0]["whole"], true);
  EXPECT_EQ(lines[1]["commit"], 2);
  EXPECT_EQ(lines[1]["puts"][0]["key"], "function/b");
  EXPECT_EQ(lines[1]["puts"][0]["value"], base64_encode("v"));
  EXPECT_EQ(lines[2]["erased"][0], "function/a");
}

TEST(StoreBackupTest, WithoutTheRowsTheRecordsAreWrittenThatCommitsBeyondTheCutLeft) {
  const auto lines = lines_of(commits_text({make_uuid(), {2, 1}, {}, {}}, short_history(1), {1}));

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["whole"], false);
  EXPECT_EQ(lines[1]["key"], "function/b");
  EXPECT_EQ(lines[1]["revision"], 2);
}
