#include "functions/unix_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::functions;
using testing::HasSubstr;

TEST(UnixFileTest, AFullDiskIsItsOwnError) {
  const unix_file full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  ASSERT_TRUE(full);

  const auto written = write_whole(full.get(), "x", "blob");

  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, errc::full);
  EXPECT_THAT(written.error().what, HasSubstr("'blob': No space left"));
}

TEST(UnixFileTest, CopiesAndHashesWhatArrived) {
  const tests::temp_folder folder;
  const auto source = std::filesystem::path{folder.path()} / "source";
  const std::string contents(600'000, 'x');
  std::ofstream{source} << contents;
  const auto from = open_regular(source);
  const unix_file to{::open((source.native() + "2").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};

  const auto copied = copy_hashed(from->get(), to.get(), contents.size(), "source");

  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->sha256, sha256(contents));
  EXPECT_EQ(copied->size, contents.size());
  EXPECT_EQ(read_whole(source.native() + "2", contents.size()), contents);
  EXPECT_EQ(read_whole(source, contents.size() - 1).error().code, errc::too_big);
}

TEST(UnixFileTest, OpensRegularFilesOnly) {
  EXPECT_EQ(open_regular("/").error().code, errc::refused);
  EXPECT_EQ(open_regular("/dev/null").error().code, errc::refused);
  EXPECT_EQ(open_regular("/nowhere").error().code, errc::io);
}

TEST(UnixFileTest, QuotesWhateverANameHolds) {
  EXPECT_EQ(in_quotes("a\n\"b\""), "'a\\n\\\"b\\\"'");
  EXPECT_EQ(in_quotes("\xff"), "'\xc3\xbf'");
  EXPECT_EQ(in_quotes(std::string(300, 'a')), "'" + std::string(200, 'a') + "...'");
  EXPECT_EQ(in_quotes(std::string(199, 'a') + "\xc3\xa9"), "'" + std::string(199, 'a') + "...'");
}
