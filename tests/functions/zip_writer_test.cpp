#include "functions/zip_writer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "functions/package.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::functions;

namespace {

namespace fs = std::filesystem;

class ZipWriterTest : public testing::Test {
protected:
  void SetUp() override {
    auto opened = work_folder::open(data_.path());
    ASSERT_TRUE(opened.has_value()) << opened.error().what;
    work_.emplace(std::move(*opened));
  }

  void write(const std::string& path, const std::string& text, mode_t mode = 0644) {
    const auto file = fs::path{code_.path()} / path;
    fs::create_directories(file.parent_path());
    std::ofstream{file} << text;
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
  }

  std::size_t files_at_work() const {
    return static_cast<std::size_t>(std::distance(fs::recursive_directory_iterator{data_.path() + "/tmp"}, {}));
  }

  tests::temp_folder data_, code_, out_;
  std::optional<work_folder> work_;
};

}  // namespace

TEST_F(ZipWriterTest, WhatIsPackedComesOutAsItWas) {
  write("index.js", "exports.handler = 1;");
  write("bin/run", std::string(100'000, 'x'), 0755);
  write("empty", "");
  fs::create_symlink("bin/run", fs::path{code_.path()} / "link");
  const auto scanned = scan_folder(code_.path());
  ASSERT_TRUE(scanned.has_value()) << scanned.error().what;

  const auto archive = zip_folder(scanned->manifest, code_.path(), *work_);

  ASSERT_TRUE(archive.has_value()) << archive.error().what;
  const auto unpacked = unpack_zip(archive->view(), out_.path());
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().what;
  EXPECT_EQ(unpacked->encode(), scanned->manifest.encode());
  EXPECT_LT(archive->view().size(), 10'000u);
}

TEST_F(ZipWriterTest, EqualPackagesGiveEqualArchivesAndLeaveNothingOnTheDisk) {
  write("index.js", "1");
  const auto scanned = scan_folder(code_.path());

  const auto first = zip_folder(scanned->manifest, code_.path(), *work_);
  const auto second = zip_folder(scanned->manifest, code_.path(), *work_);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->view(), second->view());
  EXPECT_EQ(files_at_work(), 0u);
}

TEST_F(ZipWriterTest, OneFileIsPackedAlone) {
  write("thing.so", "object");

  const auto archive = zip_file(fs::path{code_.path()} / "thing.so", "renamed.so", *work_);

  ASSERT_TRUE(archive.has_value()) << archive.error().what;
  const auto unpacked = unpack_zip(archive->view(), out_.path());
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().what;
  ASSERT_EQ(unpacked->entries().size(), 1u);
  EXPECT_EQ(unpacked->entries()[0].path, "renamed.so");
  EXPECT_EQ(unpacked->entries()[0].mode, file_mode::executable);
}

TEST_F(ZipWriterTest, AFileThatIsGoneIsAnError) {
  const auto archive = zip_file("/nonexistent/thing.so", "thing.so", *work_);

  ASSERT_FALSE(archive.has_value());
  EXPECT_EQ(archive.error().code, errc::io);
  EXPECT_EQ(files_at_work(), 0u);
}
