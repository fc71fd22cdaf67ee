#include "cluster/history_row.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace troupe;
using namespace troupe::cluster;

namespace {

applied some_commit() {
  applied commit;
  commit.cursor.value = 12;
  commit.puts = {{"function/a", std::string("bytes\0with a NUL", 16), 12}, {"function/b", "", 12}};
  commit.erased = {"route/default/GET /", "x"};
  return commit;
}

}  // namespace

TEST(HistoryRowTest, ABodyComesBackAsItWent) {
  const auto commit = some_commit();

  const auto read = decode_body({12}, encode_body(commit));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->cursor, commit.cursor);
  ASSERT_EQ(read->puts.size(), 2u);
  EXPECT_EQ(read->puts[0].key, "function/a");
  EXPECT_EQ(read->puts[0].value, commit.puts[0].value);
  EXPECT_EQ(read->puts[0].revision, 12u);
  EXPECT_EQ(read->puts[1].value, "");
  EXPECT_EQ(read->erased, commit.erased);
}

TEST(HistoryRowTest, AnyCutOrAddedByteIsCorrupt) {
  const auto body = encode_body(some_commit());

  for (std::size_t length = 0; length < body.size(); ++length)
    EXPECT_EQ(decode_body({12}, std::string_view{body}.substr(0, length)).error().code, errc::corrupt) << length;
  EXPECT_FALSE(decode_body({12}, body + "x").has_value());
}

TEST(HistoryRowTest, DamagedBodiesNeverReadBeyondTheirEnd) {
  std::mt19937_64 random{8};
  const auto good = encode_body(some_commit());

  for (int i = 0; i < 20'000; ++i) {
    auto body = good;
    body[random() % body.size()] = static_cast<char>(random());
    if (const auto read = decode_body({12}, body); read) {
      EXPECT_EQ(encode_body(*read), body);
    }
  }
}

TEST(HistoryRowTest, TheHashDependsOnEverythingBeforeIt) {
  row_head head;
  head.at.value = 5;
  head.id = make_fast_uuid();
  head.time = milliseconds{77};
  head.body = sha256("body");
  const auto hash = chain_hash(sha256("previous"), head);

  auto other = head;
  other.at.value = 6;
  EXPECT_NE(chain_hash(sha256("previous"), other), hash);
  other = head;
  other.id = make_fast_uuid();
  EXPECT_NE(chain_hash(sha256("previous"), other), hash);
  other = head;
  other.kind = row_kind::voided;
  EXPECT_NE(chain_hash(sha256("previous"), other), hash);
  other = head;
  other.time = milliseconds{78};
  EXPECT_NE(chain_hash(sha256("previous"), other), hash);
  other = head;
  other.body = sha256("another body");
  EXPECT_NE(chain_hash(sha256("previous"), other), hash);
  EXPECT_NE(chain_hash(sha256("another past"), head), hash);
}
