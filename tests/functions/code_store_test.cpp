#include "functions/code_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "tests/support/temp_folder.hpp"
#include "tests/support/zip_writer.hpp"

using namespace troupe;
using namespace troupe::functions;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

class CodeStoreTest : public testing::Test {
protected:
  CodeStoreTest() {
    fs::create_directories(data());
    fs::create_directories(source() / "lib");
    write("index.js", "exports.handler = 1");
    write("lib/a.js", "a");
    write("lib/twin.js", "a");
    fs::create_symlink("lib/a.js", source() / "link.js");
    fs::permissions(source() / "index.js", fs::perms::owner_all);
  }

  fs::path data() const { return fs::path{folder_.path()} / "data"; }
  fs::path source() const { return fs::path{folder_.path()} / "source"; }
  void write(const std::string& path, const std::string& text) const { std::ofstream{source() / path} << text; }
  code_store open() const {
    auto store = code_store::open(data());
    EXPECT_TRUE(store) << store.error().what;
    return std::move(*store);
  }
  manifest package() const { return scan_folder(source())->manifest; }
  fs::path blob_path(const digest& blob) const {
    const auto name = to_string(blob);
    return data() / "blobs" / name.substr(0, 2) / name;
  }
  static void damage(const fs::path& path, const std::string& text) {
    fs::remove(path);
    std::ofstream{path} << text;
  }
  static std::chrono::system_clock::time_point tomorrow() {
    return std::chrono::system_clock::now() + std::chrono::hours{24};
  }

private:
  tests::temp_folder folder_;
};

}  // namespace

TEST_F(CodeStoreTest, ImportsAFolderAndWritesItOut) {
  auto store = open();
  const auto what = package();

  EXPECT_THAT(*store.import_folder(what, source()), IsEmpty());
  const auto place = store.materialize_folder(what.code());

  ASSERT_TRUE(place) << place.error().what;
  EXPECT_EQ(*place, data() / "code" / to_string(what.code()));
  EXPECT_EQ(contents_of(*place / "index.js"), "exports.handler = 1");
  EXPECT_EQ(contents_of(*place / "link.js"), "a");
  EXPECT_EQ(fs::read_symlink(*place / "link.js"), "lib/a.js");
  EXPECT_TRUE(store.sync_all());
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));
}

TEST_F(CodeStoreTest, WrittenOutFilesAreReadOnlyAndShareNoInode) {
  auto store = open();
  ASSERT_TRUE(store.import_folder(package(), source()));

  const auto place = *store.materialize_folder(package().code());

  struct stat index {
  }, a{}, twin{}, blob{};
  ASSERT_EQ(::stat((place / "index.js").c_str(), &index), 0);
  ASSERT_EQ(::stat((place / "lib/a.js").c_str(), &a), 0);
  ASSERT_EQ(::stat((place / "lib/twin.js").c_str(), &twin), 0);
  ASSERT_EQ(::stat(blob_path(sha256("a")).c_str(), &blob), 0);
  EXPECT_EQ(index.st_mode & 07777, 0555u);
  EXPECT_EQ(a.st_mode & 07777, 0444u);
  EXPECT_EQ(blob.st_mode & 07777, 0444u);
  EXPECT_NE(a.st_ino, twin.st_ino);
  EXPECT_NE(a.st_ino, blob.st_ino);
}

TEST_F(CodeStoreTest, WritesOutOnce) {
  auto store = open();
  ASSERT_TRUE(store.import_folder(package(), source()));
  const auto place = *store.materialize_folder(package().code());
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat((place / "index.js").c_str(), &before), 0);

  ASSERT_TRUE(store.materialize_folder(package().code()));
  auto reopened = open();
  ASSERT_TRUE(reopened.materialize_folder(package().code()));

  ASSERT_EQ(::stat((place / "index.js").c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

TEST_F(CodeStoreTest, AsksForWhatTheSourceDoesNotHave) {
  auto store = open();
  const auto what = package();
  write("lib/a.js", "b");     // the same size, other bytes
  write("lib/twin.js", "b");  // `a` lies nowhere any more

  EXPECT_THAT(*store.import_folder(what, source()), ElementsAre(sha256("a")));
  EXPECT_EQ(store.materialize_folder(what.code()).error().code, errc::corrupt);

  ASSERT_TRUE(store.blobs().put("a", sha256("a")));
  EXPECT_THAT(*store.import_folder(what, {}), IsEmpty());
  EXPECT_TRUE(store.materialize_folder(what.code()));
}

TEST_F(CodeStoreTest, TakesFifosAndFoldersInTheSourceForMissing) {
  auto store = open();
  const auto what = package();
  fs::remove(source() / "index.js");
  ASSERT_EQ(::mkfifo((source() / "index.js").c_str(), 0644), 0);

  EXPECT_THAT(*store.import_folder(what, source()), ElementsAre(sha256("exports.handler = 1")));
}

TEST_F(CodeStoreTest, RefusesBytesThatHaveAnotherDigest) {
  auto store = open();

  EXPECT_EQ(store.blobs().put("a", sha256("b")).error().code, errc::corrupt);
  EXPECT_EQ(store.blobs().put_from_path(source() / "lib/a.js", sha256("b"), 1).error().code, errc::corrupt);
  EXPECT_EQ(store.blobs().put_from_path(source() / "lib/a.js", sha256("a"), 2).error().code, errc::corrupt);
  EXPECT_FALSE(store.blobs().has(sha256("b")));
  EXPECT_FALSE(store.blobs().has(sha256("a")));
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));
}

TEST_F(CodeStoreTest, FindsDamageRemovesItAndAsksAgain) {
  auto store = open();
  const auto what = package();
  ASSERT_TRUE(store.import_folder(what, source()));
  damage(blob_path(sha256("a")), "");  // as after a loss of power

  EXPECT_EQ(store.materialize_folder(what.code()).error().code, errc::corrupt);

  const std::vector<digest> all{sha256("a"), what.code()};
  EXPECT_THAT(*store.blobs().confirm(all), ElementsAre(sha256("a")));
  EXPECT_FALSE(fs::exists(data() / "code" / to_string(what.code())));
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));
}

TEST_F(CodeStoreTest, ReadsBlobsBackChecked) {
  auto store = open();
  ASSERT_TRUE(store.blobs().put("hello", sha256("hello")));

  EXPECT_EQ(store.blobs().read(sha256("hello")), "hello");
  EXPECT_EQ(store.blobs().read(sha256("hello"), 4).error().code, errc::too_big);
  EXPECT_EQ(store.blobs().read(sha256("other")).error().code, errc::corrupt);
  damage(blob_path(sha256("hello")), "hellO");
  EXPECT_EQ(store.blobs().read(sha256("hello")).error().code, errc::corrupt);
  EXPECT_FALSE(store.blobs().has(sha256("hello")));
}

TEST_F(CodeStoreTest, UnpacksAStoredArchive) {
  auto store = open();
  const auto zip =
      tests::zip_writer{}.add({"index.js", "x"}).add({"same.js", "x"}).add({"l", "index.js", 0120777}).bytes();
  ASSERT_TRUE(store.blobs().put(zip, sha256(zip)));

  const auto what = store.import_zip(sha256(zip));

  ASSERT_TRUE(what) << what.error().what;
  EXPECT_EQ(store.read_manifest(what->code())->encode(), what->encode());
  EXPECT_EQ(contents_of(*store.materialize_folder(what->code()) / "l"), "x");
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));
}

TEST_F(CodeStoreTest, LeavesNothingOfAMaliciousArchive) {
  auto store = open();
  const auto zip = tests::zip_writer{}.add({"index.js", "x"}).add({"../../slip", "x"}).bytes();
  ASSERT_TRUE(store.blobs().put(zip, sha256(zip)));

  EXPECT_EQ(store.import_zip(sha256(zip)).error().code, errc::bad_usage);
  EXPECT_FALSE(fs::exists(data() / "slip"));
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));
}

TEST_F(CodeStoreTest, KeepsObjectsUnderOnePathPerDigest) {
  auto store = open();
  EXPECT_FALSE(*store.import_file(sha256("a"), source() / "index.js"));
  EXPECT_TRUE(*store.import_file(sha256("a"), source() / "lib/a.js"));

  const auto place = store.materialize_object(sha256("a"));

  ASSERT_TRUE(place);
  EXPECT_EQ(place->extension(), ".so");
  EXPECT_EQ(contents_of(*place), "a");
  EXPECT_EQ(*store.materialize_object(sha256("a")), *place);
  EXPECT_EQ(store.materialize_object(sha256("b")).error().code, errc::corrupt);
}

TEST_F(CodeStoreTest, SweepsWhatAKilledProcessLeft) {
  open();
  fs::create_directories(data() / "tmp/half/a/folder");
  std::ofstream{data() / "tmp/half a file"} << "x";

  auto store = open();
  EXPECT_TRUE(fs::is_empty(data() / "tmp"));

  ASSERT_TRUE(store.sweep());

  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator{data()})
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, testing::UnorderedElementsAre("blobs", "code", "parts", "tmp"));
}

TEST_F(CodeStoreTest, DropsWhatWasWrittenOutBeforeTheMachineStarted) {
  const auto what = package();
  {
    auto store = open();
    ASSERT_TRUE(store.import_folder(what, source()));
    damage(*store.materialize_folder(what.code()) / "index.js", "torn");
  }
  damage(data() / "code/.boot", "another boot");

  auto store = open();

  EXPECT_EQ(contents_of(*store.materialize_folder(what.code()) / "index.js"), "exports.handler = 1");
}

TEST_F(CodeStoreTest, CollectsWhatNothingRefersTo) {
  auto store = open();
  const auto old = package();
  ASSERT_TRUE(store.import_folder(old, source()));
  ASSERT_TRUE(store.materialize_folder(old.code()));
  write("index.js", "exports.handler = 2");
  const auto current = package();
  ASSERT_TRUE(store.import_folder(current, source()));
  ASSERT_TRUE(store.materialize_folder(current.code()));
  const std::vector<code_ref> referenced{{current.code(), code_form::folder}};
  // As Python workers do.
  for (const auto& code : {old, current})
    std::filesystem::create_directories(store.materialize_folder(code.code())->native() + ".pycache/__pycache__");

  const auto young = store.collect(referenced, std::chrono::hours{24}, std::chrono::system_clock::now());
  EXPECT_EQ(young->blobs + young->places, 0u);
  const auto gone = store.collect(referenced, std::chrono::hours{1}, tomorrow());

  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->blobs, 2u);  // the old manifest and the old index.js; lib/a.js is shared
  EXPECT_EQ(gone->places, 2u);
  EXPECT_FALSE(store.blobs().has(old.code()));
  EXPECT_TRUE(store.blobs().has(sha256("a")));
  EXPECT_EQ(contents_of(*store.materialize_folder(current.code()) / "index.js"), "exports.handler = 2");
  EXPECT_EQ(store.collect({}, std::chrono::hours{1}, tomorrow())->places, 2u);
}

TEST_F(CodeStoreTest, CollectsNothingWhenAReferencedManifestIsUnreadable) {
  auto store = open();
  ASSERT_TRUE(store.import_folder(package(), source()));
  const std::vector<code_ref> referenced{{sha256("unknown"), code_form::folder}};

  EXPECT_FALSE(store.collect(referenced, std::chrono::hours{1}, tomorrow()));
  EXPECT_TRUE(store.blobs().has(sha256("a")));
}

TEST_F(CodeStoreTest, ConfirmingKeepsABlobYoung) {
  auto store = open();
  ASSERT_TRUE(store.blobs().put("a", sha256("a")));
  fs::last_write_time(blob_path(sha256("a")), fs::file_time_type::clock::now() - std::chrono::hours{48});
  const std::vector<digest> asked{sha256("a"), sha256("b")};

  EXPECT_THAT(*store.blobs().confirm(asked), ElementsAre(sha256("b")));

  EXPECT_EQ(store.collect({}, std::chrono::hours{24}, std::chrono::system_clock::now())->blobs, 0u);
  EXPECT_EQ(store.collect({}, std::chrono::hours{1}, tomorrow())->blobs, 1u);
}
