#include "cli/local_code.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"
#include "tests/support/zip_writer.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::HasSubstr;

namespace {

namespace fs = std::filesystem;

class LocalCodeTest : public testing::Test {
protected:
  fs::path write(const std::string& path, const std::string& contents) const {
    const auto full = fs::canonical(folder_.path()) / path;
    fs::create_directories(full.parent_path());
    std::ofstream{full} << contents;
    return full;
  }
  static error fault_of(const fs::path& path) {
    const auto opened = open_code(path, {});
    EXPECT_FALSE(opened);
    return opened ? error{} : opened.error();
  }

private:
  tests::temp_folder folder_;
};

}  // namespace

TEST_F(LocalCodeTest, OpensAFolder) {
  const auto root = write("hello/index.js", "exports.handler = 1").parent_path();

  const auto code = open_code(root / ".", {});

  ASSERT_TRUE(code) << code.error().what;
  EXPECT_EQ(code->kind, code_kind::folder);
  EXPECT_EQ(code->root, root);
  EXPECT_EQ(code->stem, "hello");
  EXPECT_EQ(code->code["manifest"][0]["path"], "index.js");
  EXPECT_EQ(*infer_node_handler(code->files), "index.handler");
  EXPECT_EQ(*read_blob(*code, sha256("exports.handler = 1")), "exports.handler = 1");
}

TEST_F(LocalCodeTest, ALonePythonModuleIsAPackageOfItsOwn) {
  const auto path = write("shop/app.py", "def handler(event, context): pass");
  write("shop/secret.txt", "not part of it");

  const auto code = open_code(path, {});

  ASSERT_TRUE(code) << code.error().what;
  EXPECT_EQ(code->kind, code_kind::folder);
  EXPECT_EQ(code->root, path.parent_path());
  EXPECT_EQ(code->stem, "app");
  ASSERT_EQ(code->code["manifest"].size(), 1u);
  EXPECT_EQ(code->code["manifest"][0]["path"], "app.py");
  EXPECT_EQ(infer_code(code->files, {})->handler, "app.handler");
  EXPECT_EQ(*read_blob(*code, sha256("def handler(event, context): pass")), "def handler(event, context): pass");
}

TEST_F(LocalCodeTest, LooksIntoAnArchive) {
  const auto bytes =
      tests::zip_writer{}.add({"package.json", R"({"main":"app.js"})"}).add({"app.js", "exports.run = 1"}).bytes();
  const auto path = write("hello.zip", bytes);

  const auto code = open_code(path, {});

  ASSERT_TRUE(code) << code.error().what;
  EXPECT_EQ(code->kind, code_kind::archive);
  EXPECT_EQ(code->stem, "hello");
  EXPECT_EQ(code->file_count, 2u);
  EXPECT_EQ(code->code["zip"], to_string(sha256(bytes)));
  EXPECT_EQ(*infer_node_handler(code->files), "app.run");
  EXPECT_EQ(*read_blob(*code, sha256(bytes)), bytes);
}

TEST_F(LocalCodeTest, RefusesArchivesAndFilesThatCannotBeDeployed) {
  EXPECT_THAT(fault_of(write("evil.zip", tests::zip_writer{}.add({"../x", "x"}).bytes())).what, HasSubstr("'../x'"));
  EXPECT_THAT(fault_of(write("no.zip", "text")).what, HasSubstr("not a zip archive"));
  EXPECT_EQ(fault_of(write("index.js", "x")).code, errc::bad_usage);
  EXPECT_EQ(fault_of("/nowhere/at/all").code, errc::io);
}

TEST_F(LocalCodeTest, FindsAFileThatChangedMeanwhile) {
  const auto path = write("hello.so", "old");
  const auto code = open_code(path, {});
  ASSERT_TRUE(code);
  EXPECT_EQ(code->kind, code_kind::object);

  write("hello.so", "new");

  EXPECT_EQ(read_blob(*code, sha256("old")).error().code, errc::corrupt);
  EXPECT_EQ(read_blob(*code, sha256("other")).error().code, errc::bug);
}
