#include "functions/blob_parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "functions/code_store.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::functions;
using testing::IsEmpty;
using testing::SizeIs;

namespace {

namespace fs = std::filesystem;

class BlobPartsTest : public testing::Test {
protected:
  code_store open() const {
    auto store = code_store::open(folder_.path());
    EXPECT_TRUE(store) << store.error().what;
    return std::move(*store);
  }
  fs::path part_of(const digest& blob) const {
    return fs::path{folder_.path()} / "parts" / (to_string(blob) + ".part");
  }
  static digest put(code_store& store, std::string_view bytes) {
    const auto blob = sha256(bytes);
    EXPECT_TRUE(store.blobs().put(bytes, blob));
    return blob;
  }

  tests::temp_folder folder_;
};

}  // namespace

TEST_F(BlobPartsTest, PiecesBecomeABlobOverARestart) {
  const std::string text = "what a blob is made of";
  const auto blob = sha256(text);
  {
    auto store = open();
    const auto first = store.append(blob, 0, text.size(), text.substr(0, 10));
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_EQ(first->stored, 10u);
    EXPECT_FALSE(first->whole);
  }

  auto store = open();
  const auto missing = store.missing_of({blob, code_form::object});
  ASSERT_TRUE(missing);
  ASSERT_THAT(missing->blobs, SizeIs(1));
  EXPECT_EQ(missing->blobs.front().stored, 10u);
  const auto last = store.append(blob, 10, text.size(), text.substr(10));

  ASSERT_TRUE(last) << last.error().what;
  EXPECT_TRUE(last->whole);
  EXPECT_EQ(*store.blobs().read(blob), text);
  EXPECT_FALSE(fs::exists(part_of(blob)));
  EXPECT_THAT(store.missing_of({blob, code_form::object})->blobs, IsEmpty());
}

TEST_F(BlobPartsTest, BytesThatDoNotContinueArePassedOver) {
  auto store = open();
  const std::string text = "0123456789";
  const auto blob = sha256(text);
  ASSERT_TRUE(store.append(blob, 0, 10, "0123"));

  EXPECT_EQ(store.append(blob, 0, 10, "0123")->stored, 4u);
  EXPECT_EQ(store.append(blob, 6, 10, "6789")->stored, 4u);
  EXPECT_TRUE(store.append(blob, 4, 10, "456789")->whole);
  EXPECT_TRUE(store.append(blob, 4, 10, "456789")->whole) << "said once more of a blob that is there";
}

TEST_F(BlobPartsTest, WrongBytesLeaveNothing) {
  auto store = open();
  const auto blob = sha256("right");
  ASSERT_TRUE(store.append(blob, 0, 5, "wr"));

  const auto last = store.append(blob, 2, 5, "ong");

  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, errc::corrupt);
  EXPECT_FALSE(store.blobs().has(blob));
  EXPECT_FALSE(fs::exists(part_of(blob)));
  EXPECT_TRUE(store.append(blob, 0, 5, "right")->whole);
}

TEST_F(BlobPartsTest, RefusesWhatNoBlobIs) {
  auto store = open();
  const auto blob = sha256("x");
  EXPECT_EQ(store.append(blob, 0, max_part_bytes + 1, "x").error().code, errc::too_big);
  EXPECT_EQ(store.append(blob, 0, 1, "xy").error().code, errc::bad_usage);
  EXPECT_EQ(store.append(blob, 2, 1, "").error().code, errc::bad_usage);
}

TEST_F(BlobPartsTest, AnEmptyBlobNeedsOneEmptyPiece) {
  auto store = open();
  EXPECT_TRUE(store.append(sha256(""), 0, 0, "")->whole);
  EXPECT_EQ(*store.blobs().read(sha256("")), "");
}

TEST_F(BlobPartsTest, AShorterTotalBeginsAnew) {
  auto store = open();
  const auto blob = sha256("right");
  ASSERT_TRUE(store.append(blob, 0, 20, "far too much of it"));
  EXPECT_TRUE(store.append(blob, 0, 5, "right")->whole);
}

TEST_F(BlobPartsTest, AFullDiskIsSaidAndTheNextTryGoesOn) {
  auto store = open();
  const auto blob = sha256("right");
  // The device behind the name has no room for a single byte.
  fs::create_symlink("/dev/full", part_of(blob));
  const auto refused = store.append(blob, 0, 5, "ri");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::full);

  fs::remove(part_of(blob));
  EXPECT_TRUE(store.append(blob, 0, 5, "right")->whole);
}

TEST_F(BlobPartsTest, OldPartsAreCollectedAndYoungOnesStay) {
  auto store = open();
  const auto blob = sha256("right");
  ASSERT_TRUE(store.append(blob, 0, 5, "ri"));
  const auto now = std::chrono::system_clock::now();

  ASSERT_TRUE(store.collect({}, std::chrono::hours{24}, now));
  EXPECT_TRUE(fs::exists(part_of(blob)));
  ASSERT_TRUE(store.collect({}, std::chrono::hours{24}, now + std::chrono::hours{25}));
  EXPECT_FALSE(fs::exists(part_of(blob)));
}

TEST_F(BlobPartsTest, PiecesAreReadFromAnyOffset) {
  auto store = open();
  const auto blob = put(store, "0123456789");
  auto piece = store.blobs().read_piece(blob, 4, 3);
  ASSERT_TRUE(piece && *piece);
  EXPECT_EQ((*piece)->total, 10u);
  EXPECT_EQ((*piece)->bytes.view(), "456");
  EXPECT_EQ((*store.blobs().read_piece(blob, 8, 100))->bytes.view(), "89");
  EXPECT_TRUE((*store.blobs().read_piece(blob, 99, 100))->bytes.empty());
  EXPECT_FALSE(store.blobs().read_piece(sha256("else"), 0, 100)->has_value());
}

TEST_F(BlobPartsTest, WhatIsSentIsPinned) {
  auto store = open();
  const auto sent = put(store, "sent");
  const auto idle = put(store, "idle");
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours{48};
  for (const auto& blob : {sent, idle}) {
    const auto name = to_string(blob);
    fs::last_write_time(fs::path{folder_.path()} / "blobs" / name.substr(0, 2) / name, old);
  }
  ASSERT_TRUE(store.blobs().read_piece(sent, 0, 2));

  ASSERT_TRUE(store.collect({}, std::chrono::hours{24}, std::chrono::system_clock::now()));

  EXPECT_TRUE(store.blobs().has(sent));
  EXPECT_FALSE(store.blobs().has(idle));
}

TEST_F(BlobPartsTest, AFolderLacksItsManifestFirstAndThenItsFiles) {
  auto store = open();
  const auto there = put(store, "there");
  manifest_entry a{"a.js", file_mode::plain, 5, there, {}};
  manifest_entry b{"b.js", file_mode::plain, 4, sha256("away"), {}};
  manifest_entry twin{"c.js", file_mode::plain, 4, sha256("away"), {}};
  const auto package = *make_manifest({a, b, twin});
  const code_ref ref{package.code(), code_form::folder};

  ASSERT_THAT(store.missing_of(ref)->blobs, SizeIs(1));
  EXPECT_EQ(store.missing_of(ref)->blobs.front().sha256, package.code());
  EXPECT_FALSE(store.blobs_of(ref));

  put(store, package.encode());
  ASSERT_THAT(store.missing_of(ref)->blobs, SizeIs(1));
  EXPECT_EQ(store.missing_of(ref)->blobs.front().sha256, sha256("away"));
  EXPECT_THAT(*store.blobs_of(ref), testing::ElementsAre(package.code(), there, sha256("away")));
}
