#include "cli/backup_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "http/store_backup.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace std::chrono_literals;

namespace {

struct BackupFilesTest : testing::Test {
  tests::temp_folder above;
  backup_folder folder{above.path() + "/backups", 3};
  std::chrono::system_clock::time_point now{std::chrono::seconds{1'795'000'000}};
  cluster::backed_up_store store{{make_fast_uuid(), {1, 7}, {}, {}}, {}};

  expected<void> write(std::uint64_t at) {
    store.contents.cursor = {at};
    store.contents.records = {{"function/f", "v", at}};
    now += 1h;
    return folder.write(store, now);
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const auto& each : std::filesystem::directory_iterator{folder.path})
      found.push_back(each.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
};

}  // namespace

TEST_F(BackupFilesTest, WhatIsWrittenCanBeRestored) {
  ASSERT_TRUE(write(5));

  ASSERT_EQ(names().size(), 1u);
  const auto path = folder.path + "/" + names()[0];
  std::ifstream file{path};
  const auto parsed = http::parse_backup(std::string{std::istreambuf_iterator<char>{file}, {}});
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->contents.cursor, cluster::cursor{5});
  EXPECT_EQ(parsed->identity.store_id, store.identity.store_id);
  EXPECT_TRUE(names()[0].starts_with("20261118T")) << names()[0];
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST_F(BackupFilesTest, OnlyTheNewestStayAndForeignFilesAreLeftAlone) {
  std::filesystem::create_directories(folder.path);
  std::ofstream{folder.path + "/mine.ndjson"} << "kept";
  for (std::uint64_t at = 1; at <= 6; ++at)
    ASSERT_TRUE(write(at));

  const auto left = names();

  ASSERT_EQ(left.size(), 4u);
  EXPECT_TRUE(left[0].ends_with("-4.ndjson"));
  EXPECT_TRUE(left[2].ends_with("-6.ndjson"));
  EXPECT_EQ(left[3], "mine.ndjson");
}

TEST_F(BackupFilesTest, TheNewOneStaysAlsoWhenTheClockWentBack) {
  for (std::uint64_t at = 1; at <= 3; ++at)
    ASSERT_TRUE(write(at));
  now -= 100h;

  ASSERT_TRUE(write(4));

  EXPECT_EQ(names().size(), 3u);
  EXPECT_TRUE(names()[0].ends_with("-4.ndjson"));
}

TEST_F(BackupFilesTest, NamesOfAClockThatRanAheadPushOutNoneOfARightOne) {
  now += 10'000h;
  for (std::uint64_t at = 1; at <= 3; ++at)
    ASSERT_TRUE(write(at));
  now -= 10'000h;

  ASSERT_TRUE(write(4));
  EXPECT_EQ(names().size(), 3u) << "they are backups too, as long as there is room";
  ASSERT_TRUE(write(5));
  ASSERT_TRUE(write(6));
  ASSERT_TRUE(write(7));

  ASSERT_EQ(names().size(), 3u);
  EXPECT_TRUE(names()[0].ends_with("-5.ndjson"));
  EXPECT_TRUE(names()[1].ends_with("-6.ndjson"));
  EXPECT_TRUE(names()[2].ends_with("-7.ndjson"));
}

TEST_F(BackupFilesTest, AClockThatIsSetBackALittleCostsTheOldestAndNotTheNewest) {
  for (std::uint64_t at = 1; at <= 3; ++at)
    ASSERT_TRUE(write(at));
  now -= 2h + 30min;

  ASSERT_TRUE(write(4));

  ASSERT_EQ(names().size(), 3u);
  EXPECT_TRUE(names()[0].ends_with("-4.ndjson"));
  EXPECT_TRUE(names()[1].ends_with("-2.ndjson"));
  EXPECT_TRUE(names()[2].ends_with("-3.ndjson"));
}

TEST_F(BackupFilesTest, WhatSaysTheSameIsMarkedAndNotWrittenAgain) {
  ASSERT_TRUE(write(5));
  ASSERT_EQ(*folder.age(now + 10h), 10h);
  now += 9h;

  ASSERT_TRUE(write(5));

  EXPECT_EQ(names().size(), 1u);
  EXPECT_EQ(*folder.age(now), 0h);
  store.identity.store_id = make_fast_uuid();
  ASSERT_TRUE(write(5));
  EXPECT_EQ(names().size(), 2u) << "another history is not the same";
}

TEST_F(BackupFilesTest, AClockThatWentBackLeavesTheAgeUnknownUntilTheNextOne) {
  ASSERT_TRUE(write(5));
  now -= 1'000h;
  EXPECT_FALSE(folder.age(now)) << "what is to come tells no age";

  ASSERT_TRUE(write(5));

  EXPECT_EQ(names().size(), 2u) << "when the other was written is not known";
  EXPECT_EQ(*folder.age(now + 2h), 2h);
  ASSERT_TRUE(write(5));
  EXPECT_EQ(names().size(), 2u) << "this one was written last, whatever the names say";
  EXPECT_EQ(*folder.age(now), 0h);
}

TEST_F(BackupFilesTest, AClockThatHadNotBeenSetIsNotBelieved) {
  const auto right = now;
  now = std::chrono::system_clock::time_point{60s};
  ASSERT_TRUE(write(5));

  EXPECT_FALSE(folder.age(right));
}

TEST_F(BackupFilesTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream{folder.path} << "in the way";

  const auto refused = write(1);

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find(folder.path), std::string::npos) << refused.error().what;
  EXPECT_FALSE(folder.age(now));
}
