#include "functions/package.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::functions;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

namespace fs = std::filesystem;

class ScanFolderTest : public testing::Test {
protected:
  fs::path root() const { return folder_.path(); }

  void write(const std::string& path, const std::string& contents = "x", mode_t mode = 0644) const {
    const auto full = root() / path;
    fs::create_directories(full.parent_path());
    std::ofstream{full} << contents;
    ASSERT_EQ(::chmod(full.c_str(), mode), 0);
  }
  void link(const std::string& path, const std::string& target) const {
    fs::create_directories((root() / path).parent_path());
    ASSERT_EQ(::symlink(target.c_str(), (root() / path).c_str()), 0);
  }
  std::vector<std::string> paths() const {
    const auto scanned = scan_folder(root());
    EXPECT_TRUE(scanned) << scanned.error().what;
    std::vector<std::string> found;
    if (scanned)
      for (const auto& entry : scanned->manifest.entries())
        found.push_back(entry.path);
    return found;
  }
  error fault() const {
    const auto scanned = scan_folder(root());
    EXPECT_FALSE(scanned);
    return scanned ? error{} : scanned.error();
  }

private:
  tests::temp_folder folder_;
};

}  // namespace

TEST_F(ScanFolderTest, ReadsFilesModesAndLinks) {
  write("index.js", "exports.handler = 1");
  write("bin/run", "#!/bin/sh\n", 0700);
  write("empty", "");
  link("node_modules/.bin/run", "../../bin/run");

  const auto scanned = scan_folder(root());

  ASSERT_TRUE(scanned) << scanned.error().what;
  const manifest_entry run{"bin/run", file_mode::executable, 10, sha256("#!/bin/sh\n"), {}};
  const manifest_entry empty{"empty", file_mode::plain, 0, sha256(""), {}};
  const manifest_entry index{"index.js", file_mode::plain, 19, sha256("exports.handler = 1"), {}};
  const manifest_entry linked{"node_modules/.bin/run", file_mode::plain, 0, {}, "../../bin/run"};
  EXPECT_THAT(scanned->manifest.entries(), ElementsAre(run, empty, index, linked));
  EXPECT_EQ(scanned->root, fs::canonical(root()));
}

TEST_F(ScanFolderTest, SkipsGitAtEveryLevelAndEmptyFolders) {
  write("a.js");
  write(".git/HEAD");
  write("sub/.git", "gitdir: elsewhere");
  write(".gitignore");
  fs::create_directories(root() / "empty/inner");

  EXPECT_THAT(paths(), ElementsAre(".gitignore", "a.js"));
}

TEST_F(ScanFolderTest, NamesTheLinkThatLeadsOut) {
  write("a.js");
  link("lib/out", "../../somewhere");

  EXPECT_EQ(fault().code, errc::bad_usage);
  EXPECT_THAT(fault().what, HasSubstr("lib/out"));
}

TEST_F(ScanFolderTest, RefusesAbsoluteLinksEvenInside) {
  write("a.js");
  link("b.js", (root() / "a.js").native());

  EXPECT_THAT(fault().what, HasSubstr("absolute"));
}

TEST_F(ScanFolderTest, NeverFollowsALinkToAFolder) {
  write("real/a.js");
  link("alias", "real");
  link("real/up", "..");

  EXPECT_THAT(paths(), ElementsAre("alias", "real/a.js", "real/up"));
}

TEST_F(ScanFolderTest, NamesWhatIsNeitherFileNorFolder) {
  write("a.js");
  ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0644), 0);

  EXPECT_THAT(fault().what, HasSubstr("'pipe' is neither"));
}

TEST_F(ScanFolderTest, NamesAFileThatCannotBeRead) {
  write("secret", "x", 0000);
  fs::permissions(root(), fs::perms{0755});
  const auto user = ::geteuid();
  // Root can read everything.
  ASSERT_EQ(user == 0 ? ::seteuid(65534) : 0, 0);

  const auto scanned = scan_folder(root());

  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, errc::io);
  EXPECT_THAT(scanned.error().what, HasSubstr("secret"));
}

TEST_F(ScanFolderTest, NamesAFileThatNoPackageCanHold) {
  write("a\xff.js");
  EXPECT_THAT(fault().what, HasSubstr("not UTF-8"));
}

TEST_F(ScanFolderTest, RefusesWhatIsMissingOrEmpty) {
  EXPECT_THAT(fault().what, HasSubstr("no files"));
  const auto missing = scan_folder(root() / "missing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::io);
}

TEST_F(ScanFolderTest, RefusesMoreThanAPackageHoldsBeforeReadingIt) {
  write("a.js");
  write("huge");
  fs::resize_file(root() / "huge", max_package_bytes + 1);  // a hole: nothing to hash quickly

  EXPECT_EQ(fault().code, errc::too_big);
}

TEST_F(ScanFolderTest, TellsItsProgress) {
  for (int i = 0; i < 5; ++i)
    write("f" + std::to_string(i));
  std::vector<std::size_t> told;

  ASSERT_TRUE(scan_folder(root(), [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, 5u);
    told.push_back(done);
  }));

  EXPECT_THAT(told, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(ScanFolderTest, FollowsALinkToTheFolderItself) {
  write("code/a.js");
  link("current", "code");

  const auto scanned = scan_folder(root() / "current");

  ASSERT_TRUE(scanned);
  EXPECT_EQ(scanned->root.filename(), "code");
}
