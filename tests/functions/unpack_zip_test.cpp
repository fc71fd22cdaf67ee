#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <fstream>
#include <sstream>

#include "functions/package.hpp"
#include "functions/zip_archive.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/zip_writer.hpp"

using namespace troupe;
using namespace troupe::functions;
using testing::HasSubstr;
using tests::zip_item;
using tests::zip_writer;
using tests::zip_bytes::extra_field;
using tests::zip_bytes::number;

namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// An archive by libzip, deflated.
std::string packed(const std::vector<std::pair<std::string, std::string>>& files) {
  zip_error_t problem;
  zip_error_init(&problem);
  auto* source = zip_source_buffer_create(nullptr, 0, 0, &problem);
  zip_source_keep(source);
  auto* zip = zip_open_from_source(source, ZIP_TRUNCATE, &problem);
  for (const auto& [name, text] : files)
    zip_file_add(zip, name.c_str(), zip_source_buffer(zip, text.data(), text.size(), 0), ZIP_FL_ENC_UTF_8);
  zip_close(zip);
  zip_source_open(source);
  zip_source_seek(source, 0, SEEK_END);
  std::string bytes(static_cast<std::size_t>(zip_source_tell(source)), '\0');
  zip_source_seek(source, 0, SEEK_SET);
  zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  zip_source_free(source);
  zip_error_fini(&problem);
  return bytes;
}

class UnpackZipTest : public testing::Test {
protected:
  UnpackZipTest() { fs::create_directory(target()); }

  fs::path target() const { return fs::path{folder_.path()} / "target"; }
  expected<manifest> unpack(const std::string& bytes, const zip_limits& limits = {}) const {
    return unpack_zip(bytes, target(), limits);
  }
  /// Refused as malicious, and nothing was written anywhere.
  std::string refusal(const std::string& bytes) const {
    const auto unpacked = unpack(bytes);
    EXPECT_FALSE(unpacked);
    if (unpacked)
      return "";
    EXPECT_EQ(unpacked.error().code, errc::bad_usage) << unpacked.error().what;
    EXPECT_TRUE(fs::is_empty(target()));
    EXPECT_EQ(std::distance(fs::directory_iterator{folder_.path()}, fs::directory_iterator{}), 1);
    return unpacked.error().what;
  }
  std::string refusal_of(const zip_item& item) const { return refusal(zip_writer{}.add(item).bytes()); }

private:
  tests::temp_folder folder_;
};

}  // namespace

TEST_F(UnpackZipTest, UnpacksWhatAnOrdinaryPackerWrote) {
  const std::string large(1'000'000, 'a');

  const auto package = unpack(packed({{"index.js", "exports.handler = 1"}, {"lib/large.txt", large}}));

  ASSERT_TRUE(package) << package.error().what;
  EXPECT_EQ(contents_of(target() / "index.js"), "exports.handler = 1");
  EXPECT_EQ(contents_of(target() / "lib/large.txt"), large);
  ASSERT_EQ(package->entries().size(), 2u);
  EXPECT_EQ(package->entries()[1].sha256, sha256(large));
  EXPECT_EQ(package->total_bytes(), 1'000'019u);
}

TEST_F(UnpackZipTest, KeepsModesLinksAndTheOnlyFolderAtTheTop) {
  const auto package = unpack(zip_writer{}
                                  .add({"app/", "", 040755})
                                  .add({"app/run", "#!/bin/sh\n", 0100711})
                                  .add({"app/from-windows", "x", 0100755, 0, 0, 0})
                                  .add({"app/node_modules/.bin/run", "../../run", 0120777})
                                  .bytes());

  ASSERT_TRUE(package) << package.error().what;
  struct stat status {};
  ASSERT_EQ(::stat((target() / "app/run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
  ASSERT_EQ(::stat((target() / "app/from-windows").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
  EXPECT_EQ(fs::read_symlink(target() / "app/node_modules/.bin/run"), "../../run");
  const auto scanned = scan_folder(target());
  ASSERT_TRUE(scanned);
  EXPECT_EQ(scanned->manifest.encode(), package->encode());
}

TEST_F(UnpackZipTest, RefusesPathsThatLeadOut) {
  EXPECT_THAT(refusal_of({"../slip", "x"}), HasSubstr("'../slip'"));
  EXPECT_THAT(refusal_of({"a/../../slip", "x"}), HasSubstr("slip"));
  EXPECT_THAT(refusal_of({"/tmp/slip", "x"}), HasSubstr("absolute"));
  EXPECT_THAT(refusal_of({"../slip/", "", 040755}), HasSubstr("'..'"));
  EXPECT_THAT(refusal_of({"..\\slip", "x"}), HasSubstr("backslash"));
  EXPECT_NE(refusal_of({"/", "", 040755}), "");
}

TEST_F(UnpackZipTest, RefusesNamesThatSystemsReadDifferently) {
  EXPECT_THAT(refusal_of({std::string{"index.js\0.png", 13}, "x"}), HasSubstr("NUL"));
  EXPECT_THAT(refusal_of({"a\rb", "x"}), HasSubstr("control"));
  EXPECT_THAT(refusal_of({"caf\x82", "x"}), HasSubstr("UTF-8"));
  EXPECT_NE(refusal_of({"", "x"}), "");
}

TEST_F(UnpackZipTest, RefusesDuplicatesAndFilesThatAreFolders) {
  EXPECT_THAT(refusal(zip_writer{}.add({"a", "1"}).add({"a", "2"}).bytes()), HasSubstr("twice"));
  EXPECT_THAT(refusal(zip_writer{}.add({"a", "1"}).add({"a/b", "2"}).bytes()), HasSubstr("would lie in it"));
  EXPECT_THAT(refusal(zip_writer{}.add({"a", "1"}).add({"a/", "", 040755}).bytes()), HasSubstr("twice"));
}

TEST_F(UnpackZipTest, RefusesLinksThatLeadOutAndFilesBehindLinks) {
  EXPECT_THAT(refusal_of({"l", "/etc", 0120777}), HasSubstr("absolute"));
  EXPECT_THAT(refusal_of({"l", "../..", 0120777}), HasSubstr("leads out"));
  EXPECT_THAT(refusal_of({"l", "", 0120777}), HasSubstr("without target"));
  EXPECT_THAT(refusal_of({"l", std::string(2000, 'a'), 0120777}), HasSubstr("target of 2000 bytes"));
  EXPECT_THAT(refusal_of({"l", std::string{"a\0b", 3}, 0120777}), HasSubstr("control"));
  EXPECT_THAT(refusal(zip_writer{}.add({"l", "t", 0120777}).add({"l/x", "2"}).add({"t/y", "3"}).bytes()),
              HasSubstr("would lie in it"));
  EXPECT_THAT(
      refusal(
          zip_writer{}.add({"p/q/r", "../../t", 0120777}).add({"o", "p/q/r/../..", 0120777}).add({"t/x", "1"}).bytes()),
      HasSubstr("leads out"));
}

TEST_F(UnpackZipTest, RefusesWhatIsNeitherFileNorFolder) {
  for (const auto type : {0020000u, 0060000u, 0010000u, 0140000u})
    EXPECT_THAT(refusal_of({"device", "", type | 0644}), HasSubstr("neither")) << type;
  for (const auto bit : {04000u, 02000u, 01000u})
    EXPECT_THAT(refusal_of({"root", "x", 0100755 | bit}), HasSubstr("setuid")) << bit;
  EXPECT_THAT(refusal_of({"folder-as-file", "x", 0040755}), HasSubstr("neither"));
}

TEST_F(UnpackZipTest, RefusesEncryptionAndForeignCompression) {
  EXPECT_THAT(refusal_of({"a", "x", 0100644, 1}), HasSubstr("encrypted"));
  EXPECT_THAT(refusal_of({"a", "x", 0100644, 1u << 6}), HasSubstr("encrypted"));
  EXPECT_THAT(refusal_of({"a", "x", 0100644, 0, 99}), HasSubstr("method 99"));
  EXPECT_THAT(refusal_of({"a", "x", 0100644, 0, 12}), HasSubstr("method 12"));
}

TEST_F(UnpackZipTest, RefusesSizesThatLie) {
  zip_item liar{"a", "four"};
  liar.declared_size = 3;
  const auto smaller = unpack(zip_writer{}.add(liar).bytes());
  ASSERT_FALSE(smaller);
  EXPECT_EQ(smaller.error().code, errc::bad_usage);
  EXPECT_LE(fs::file_size(target() / "a"), 3u);
}

TEST_F(UnpackZipTest, RefusesDeflatedEntriesThatAreLargerThanDeclared) {
  // The honest archive's size field, 1,000,000, is made smaller in the directory and in front of the data.
  auto bytes = packed({{"a", std::string(1'000'000, 'a')}});
  const std::string honest{"\x40\x42\x0f\x00", 4};
  for (auto at = bytes.find(honest); at != bytes.npos; at = bytes.find(honest, at + 4))
    bytes.replace(at, 4, std::string{"\x0a\x00\x00\x00", 4});

  const auto unpacked = unpack(bytes);

  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code, errc::bad_usage) << unpacked.error().what;
  EXPECT_LE(fs::file_size(target() / "a"), 10u);
}

TEST_F(UnpackZipTest, ReadsHonestZip64) {
  const auto sizes = number(8, 8) + number(8, 8);
  zip_item wide{"a", "contents"};
  wide.declared_size = wide.declared_packed = 0xffffffff;
  wide.extra = extra_field(1, sizes);
  const auto package = unpack(zip_writer{}.add(wide).bytes_64());

  ASSERT_TRUE(package) << package.error().what;
  EXPECT_EQ(contents_of(target() / "a"), "contents");
}

TEST_F(UnpackZipTest, RefusesZip64HeadersThatLie) {
  const auto one = zip_writer{}.add({"a", "1"});
  constexpr std::uint64_t huge = ~std::uint64_t{0};
  EXPECT_NE(refusal(one.bytes_64({.entries = 2})), "");
  EXPECT_NE(refusal(one.bytes_64({.entries = 0})), "");
  EXPECT_THAT(refusal(one.bytes_64({.directory_bytes = huge})), HasSubstr("outside"));
  EXPECT_THAT(refusal(one.bytes_64({.directory_offset = huge})), HasSubstr("outside"));
  EXPECT_THAT(refusal(one.bytes_64({.record_offset = huge})), HasSubstr("zip64 end record"));
  EXPECT_THAT(refusal(one.bytes_64({.record_offset = 0})), HasSubstr("zip64 end record"));
  zip_item liar{"a", "four"};
  liar.declared_size = liar.declared_packed = 0xffffffff;
  EXPECT_THAT(refusal(zip_writer{}.add(liar).bytes()), HasSubstr("zip64 sizes"));
  liar.extra = extra_field(1, number(huge, 8) + number(huge, 8));
  EXPECT_EQ(unpack(zip_writer{}.add(liar).bytes()).error().code, errc::too_big);
  liar.extra = extra_field(1, number(4, 8) + number(huge, 8));
  EXPECT_NE(refusal(zip_writer{}.add(liar).bytes()), "");
  liar.extra = extra_field(1, number(4, 4));
  EXPECT_THAT(refusal(zip_writer{}.add(liar).bytes()), HasSubstr("zip64 sizes"));
}

TEST_F(UnpackZipTest, RefusesAMillionEntriesBeforeItReadsThem) {
  const auto claimed = unpack(zip_writer{}.bytes_64({.entries = 1'000'000}));
  EXPECT_EQ(claimed.error().code, errc::too_big);
  EXPECT_THAT(claimed.error().what, HasSubstr("1000000 entries"));
  EXPECT_TRUE(fs::is_empty(target()));
}

TEST_F(UnpackZipTest, TakesNamesOfHardLinksForNothing) {
  // Info-ZIP's Unix field: two times, user, group, then for hard links the other name.
  zip_item link{"link", "own contents"};
  link.extra = extra_field(0x000d, std::string(12, '\0') + "/etc/passwd");
  const auto package = unpack(zip_writer{}.add(link).bytes());

  ASSERT_TRUE(package) << package.error().what;
  EXPECT_EQ(contents_of(target() / "link"), "own contents");
  EXPECT_EQ(fs::hard_link_count(target() / "link"), 1u);
}

TEST_F(UnpackZipTest, KeepsNamesThatDifferInCaseApart) {
  const auto package = unpack(zip_writer{}.add({"index.js", "1"}).add({"INDEX.JS", "2"}).bytes());

  ASSERT_TRUE(package) << package.error().what;
  EXPECT_EQ(contents_of(target() / "index.js") + contents_of(target() / "INDEX.JS"), "12");
}

TEST_F(UnpackZipTest, RefusesDamagedData) {
  auto bytes = zip_writer{}.add({"a", "contents"}).bytes();
  bytes[bytes.find("contents")] ^= 1;

  const auto unpacked = unpack(bytes);

  ASSERT_FALSE(unpacked);
  EXPECT_THAT(unpacked.error().what, HasSubstr("damaged"));
}

TEST_F(UnpackZipTest, RefusesBombs) {
  const auto many = packed({{"a", std::string(40'000'000, 'a')}});
  EXPECT_EQ(unpack(many).error().code, errc::too_big);
  zip_limits limits;
  limits.max_unpacked_bytes = 9;
  EXPECT_EQ(unpack(zip_writer{}.add({"a", "12345"}).add({"b", "12345"}).bytes(), limits).error().code, errc::too_big);
  limits = {};
  limits.max_entries = 1;
  EXPECT_EQ(unpack(zip_writer{}.add({"a", "1"}).add({"b/", "", 040755}).bytes(), limits).error().code, errc::too_big);
  // The same data under many names, as David Fifield's better zip bomb has it.
  const std::string data(1000, 'x');
  zip_writer overlapping;
  overlapping.add({"a", data});
  for (int i = 0; i < 50; ++i)
    overlapping.add({"b" + std::to_string(i), "", 0100644, 0, 0, 3, 1000u, 1000u, 0u});
  EXPECT_EQ(unpack(overlapping.bytes()).error().code, errc::bad_usage);
  EXPECT_TRUE(fs::is_empty(target()));
}

TEST_F(UnpackZipTest, RefusesArchivesThatCanBeReadInTwoWays) {
  zip_writer two;
  two.add({"a", "1"}).add({"b", "2"});
  EXPECT_NE(refusal(two.bytes(1)), "");
  EXPECT_NE(refusal(two.bytes(3)), "");
  EXPECT_NE(refusal(two.bytes() + "trailing"), "");
  EXPECT_NE(refusal("prefix" + two.bytes()), "");
  EXPECT_NE(refusal(std::string{"PK\5\6"}), "");
  EXPECT_NE(refusal(std::string{}), "");
  EXPECT_NE(refusal(std::string(1000, 'x')), "");
}

TEST_F(UnpackZipTest, SurvivesEveryTruncationAndFlippedByte) {
  const auto bytes = packed({{"index.js", "exports.handler = 1"}, {"lib/a", std::string(300, 'a')}});
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(zip_archive::open(std::string_view{bytes}.substr(0, length))) << length;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    fs::remove_all(target());
    fs::create_directory(target());
    if (const auto package = unpack(changed)) {
      const auto scanned = scan_folder(target());
      ASSERT_TRUE(scanned) << at;
      EXPECT_EQ(scanned->manifest.encode(), package->encode()) << at;
    }
  }
}
