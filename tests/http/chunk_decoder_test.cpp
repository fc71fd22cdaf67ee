#include "http/chunk_decoder.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace troupe;
using namespace troupe::http;
using namespace std::string_literals;

namespace {

using verdict = chunk_decoder::verdict;

struct decoded {
  verdict state = verdict::more;
  unsigned status = 0;
  std::string body;
  std::size_t consumed = 0;
  bool operator==(const decoded&) const = default;
};

/// Feeds pieces of `step` bytes.
decoded decode(std::string_view bytes, std::size_t step, chunk_limits limits = {}) {
  chunk_decoder decoder{limits};
  buffer body;
  decoded result;
  while (result.consumed < bytes.size() && result.state == verdict::more) {
    const auto progress = decoder.feed(bytes.substr(result.consumed, step), body);
    result.consumed += progress.consumed;
    result.state = progress.state;
    result.status = progress.state == verdict::refused ? progress.why.status : 0;
  }
  result.body = body.view();
  return result;
}

decoded decode(std::string_view bytes, chunk_limits limits = {}) {
  const auto whole = decode(bytes, bytes.size(), limits);
  for (const std::size_t step : {1, 2, 3, 7})
    EXPECT_EQ(decode(bytes, step, limits), whole) << bytes.substr(0, 60) << " in steps of " << step;
  return whole;
}

unsigned status_of(std::string_view bytes, chunk_limits limits = {}) {
  return decode(bytes, limits).status;
}

}  // namespace

TEST(ChunkDecoderTest, JoinsTheDataAndStopsBehindTheEnd) {
  const auto result = decode("5\r\nhello\r\n1;x=y\r\n,\r\n006\r\n world\r\n0\r\n\r\nGET /");
  EXPECT_EQ(result.state, verdict::done);
  EXPECT_EQ(result.body, "hello, world");
  EXPECT_EQ(result.consumed, 38u);
}

TEST(ChunkDecoderTest, ChecksAndDropsTrailers) {
  const auto result = decode("1\r\nX\r\n0\r\nA: b\r\nContent-Length: 9\r\nE:\r\n\r\n");
  EXPECT_EQ(result.state, verdict::done);
  EXPECT_EQ(result.body, "X");
  for (const auto& bad :
       {" A: b"s, "A : b"s, "A"s, ": b"s, "A: b\x01"s, "A: b\0"s, "A: b\x7f"s, "A: b\nC: d"s, "A(: b"s})
    EXPECT_EQ(status_of("0\r\n" + bad + "\r\n\r\n"), 400u) << bad;
  EXPECT_EQ(status_of("0\r\nA: b\r\n folded\r\n\r\n"), 400u);
}

TEST(ChunkDecoderTest, RefusesMalformedFraming) {
  for (const std::string bad : {"\r\n",
                                "x\r\n",
                                " 1\r\nX",
                                "1 \r\nX",
                                "1 ;a\r\nX",
                                "0x1\r\nX",
                                "-1\r\n",
                                "+1\r\n",
                                "1_0\r\n",
                                "1\nX",
                                "1\rX",
                                "1\r\nXY\r\n",
                                "1\r\nX\n",
                                "1\r\nX\rY",
                                "1\r\nX\r\n\r\n",
                                "1;a\nb\r\n",
                                "00000000000000001\r\nX",
                                "1;a=\"\n\"\r\nX",
                                "1;a=\"\r\"\r\nX",
                                "1;\x7f\r\n",
                                "0\r\n\n",
                                "0\r\n\rX"})
    EXPECT_EQ(status_of(bad), 400u) << bad;
  EXPECT_EQ(status_of("1;a=\"\0\x01\"\r\nX"s), 400u);
}

TEST(ChunkDecoderTest, LimitsAreExact) {
  const chunk_limits limits{.max_body_bytes = 4, .max_extension_bytes = 3, .max_trailer_bytes = 8};
  EXPECT_EQ(decode("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", limits).state, verdict::done);
  EXPECT_EQ(status_of("2\r\nab\r\n3\r", limits), 413u);
  EXPECT_EQ(decode("2\r\nab\r\n3", limits).state, verdict::more);
  EXPECT_EQ(status_of("ffffffffffffffff\r\n", limits), 413u);
  EXPECT_EQ(decode("1;abc\r\nX\r\n1;abc\r\nX\r\n0;abc\r\n\r\n", limits).state, verdict::done);
  EXPECT_EQ(status_of("1;abcd\r\nX", limits), 400u);
  EXPECT_EQ(decode("0\r\nA:\r\nB:\r\n\r\n", limits).state, verdict::done);
  EXPECT_EQ(status_of("0\r\nA:\r\nB: \r\n\r\n", limits), 431u);
}

TEST(ChunkDecoderTest, OneByteChunksAreFineButWasteIsNot) {
  std::string small;
  std::string wasteful;
  for (int i = 0; i < 50'000; ++i) {
    small += "1\r\nx\r\n";
    wasteful += "1;" + std::string(40, 'e') + "\r\nx\r\n";
  }
  EXPECT_EQ(decode(small + "0\r\n\r\n", 4096).state, verdict::done);

  const auto refused = decode(wasteful, 4096);
  EXPECT_EQ(refused.status, 413u);
  EXPECT_EQ(refused, decode(wasteful, 1));
  EXPECT_LT(refused.consumed, 100'000u);
}

TEST(ChunkDecoderTest, StaysAtItsEndAndStartsAfreshOnReset) {
  chunk_decoder decoder;
  buffer body;
  ASSERT_EQ(decoder.feed("0\r\n\r\n", body).state, verdict::done);
  EXPECT_EQ(decoder.feed("1\r\nX", body).consumed, 0u);
  EXPECT_EQ(decoder.feed("1\r\nX", body).state, verdict::done);

  decoder.reset({});
  ASSERT_EQ(decoder.feed("q", body).why.status, 400u);
  EXPECT_EQ(decoder.feed("1\r\nX", body).consumed, 0u);
  EXPECT_EQ(decoder.feed("", body).state, verdict::refused);

  decoder.reset({});
  EXPECT_EQ(decoder.feed("1\r\nX\r\n0\r\n\r\n", body).state, verdict::done);
  EXPECT_EQ(body.view(), "X");
}
