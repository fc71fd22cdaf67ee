#include "cluster/code_frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

using namespace troupe;
using namespace troupe::cluster;

namespace {

template <class Message>
void expect_same_request(const Message& sent) {
  const auto parts = encode(code_request{sent});
  const auto read = decode_code_request(parts.head.view(), parts.body.view());
  ASSERT_TRUE(read) << read.error().what;
  ASSERT_TRUE(std::holds_alternative<Message>(*read));
  EXPECT_EQ(std::get<Message>(*read), sent);
}

errc fault_of(const code_parts& parts) {
  const auto read = decode_code_request(parts.head.view(), parts.body.view());
  return read ? errc::bug : read.error().code;
}

}  // namespace

TEST(CodeFrameTest, RequestsComeBackAsTheyWere) {
  expect_same_request(code_read{sha256("a"), 1ull << 40, 70'000});
  expect_same_request(code_have{{sha256("a"), sha256("b")}, code_durability::synced});
  expect_same_request(code_have{});
  expect_same_request(code_put{sha256("a"), 5, 12, "1234567"});
  expect_same_request(code_put{sha256(""), 0, 0, ""});
}

TEST(CodeFrameTest, AnswersComeBackAsTheyWere) {
  for (const auto& sent : {code_piece{true, 1'000'000, "bytes"}, code_piece{true, 0, ""}, code_piece{}}) {
    const auto parts = encode(sent);
    EXPECT_EQ(*decode_code_piece(parts.head.view(), parts.body.view()), sent);
  }
  for (const auto& sent : {code_absent{{sha256("a")}, true}, code_absent{}}) {
    const auto parts = encode(sent);
    EXPECT_EQ(*decode_code_absent(parts.head.view(), parts.body.view()), sent);
  }
  const code_stored stored{1ull << 33, true};
  const auto parts = encode(stored);
  EXPECT_EQ(*decode_code_stored(parts.head.view(), parts.body.view()), stored);
}

TEST(CodeFrameTest, LongerPiecesAreAskedForAsTheLongestAllowed) {
  const auto parts = encode(code_request{code_read{sha256("a"), 0, 1ull << 40}});
  const auto read = decode_code_request(parts.head.view(), parts.body.view());
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<code_read>(*read).max_bytes, max_code_piece_bytes);
}

TEST(CodeFrameTest, LimitsAreKept) {
  code_have have;
  have.blobs.resize(max_code_digests);
  expect_same_request(have);
  have.blobs.resize(max_code_digests + 1);
  EXPECT_EQ(fault_of(encode(code_request{have})), errc::corrupt);
  const std::string most(max_code_piece_bytes, 'x');
  expect_same_request(code_put{sha256("a"), 0, most.size(), most});
  const auto more = most + "x";
  EXPECT_EQ(fault_of(encode(code_request{code_put{sha256("a"), 0, more.size(), more}})), errc::corrupt);
  EXPECT_EQ(fault_of(encode(code_request{code_put{sha256("a"), 5, 4, ""}})), errc::corrupt);
  EXPECT_EQ(fault_of(encode(code_request{code_put{sha256("a"), 3, 4, "xx"}})), errc::corrupt);
  const auto longer = encode(code_piece{true, 2, "abc"});
  EXPECT_FALSE(decode_code_piece(longer.head.view(), longer.body.view()));
}

TEST(CodeFrameTest, ValuesThatOnlyNewerNodesKnowArePassedOver) {
  auto parts = encode(code_stored{7, true});
  std::string head{parts.head.view()};
  head[0] = static_cast<char>(head[0] + 2);
  head += std::string{"\x05\xa3new", 5};
  EXPECT_EQ(decode_code_stored(head, "")->stored, 7u);
  EXPECT_FALSE(decode_code_stored(head + "x", ""));
}

TEST(CodeFrameTest, NoBytesBreakAReader) {
  std::mt19937_64 random{8};
  const code_put put{sha256("a"), 5, 12, "1234567"};
  for (const auto& request :
       {code_request{put}, code_request{code_read{sha256("a"), 7, 9}}, code_request{code_have{}}}) {
    const auto parts = encode(request);
    const std::string head{parts.head.view()};
    for (std::size_t i = 0; i < head.size(); ++i)
      EXPECT_FALSE(decode_code_request(head.substr(0, i), parts.body.view())) << i;
    for (int i = 0; i < 2'000; ++i) {
      auto damaged = head;
      damaged[random() % damaged.size()] = static_cast<char>(random());
      for (const auto& body : {std::string{}, std::string{parts.body.view()}, std::string(32, 'd')}) {
        const auto read = decode_code_request(damaged, body);
        if (!read) {
          EXPECT_EQ(read.error().code, errc::corrupt);
        } else if (const auto* piece = std::get_if<code_put>(&*read)) {
          EXPECT_LE(piece->bytes.size(), piece->total - piece->offset);
        }
        static_cast<void>(decode_code_piece(damaged, body));
        static_cast<void>(decode_code_absent(damaged, body));
        static_cast<void>(decode_code_stored(damaged, body));
      }
    }
  }
}
