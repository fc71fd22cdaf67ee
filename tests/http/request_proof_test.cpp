// The proof bytes for the reading of requests, each whole, byte by byte and split at every place. What needs a socket
// or a clock to prove is tested with the connection.
#include <gtest/gtest.h>

#include <string>

#include "tests/http/request_reading.hpp"

using namespace troupe::http;
using namespace std::string_literals;

namespace {

const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Refused with this status before anything was routed, in every segmentation.
void expect_refused(const std::string& bytes, unsigned status) {
  const auto seen = read_whole(bytes);
  EXPECT_EQ(seen.refused, status) << bytes.substr(0, 120);
  EXPECT_TRUE(seen.requests.empty()) << bytes.substr(0, 120);
  EXPECT_EQ(find_split_that_matters(bytes), std::nullopt) << bytes.substr(0, 120);
}

reading expect_read(const std::string& bytes, std::size_t requests) {
  const auto seen = read_whole(bytes);
  EXPECT_EQ(seen.requests.size(), requests) << seen.why << '\n' << bytes;
  EXPECT_EQ(find_split_that_matters(bytes), std::nullopt) << bytes;
  return seen;
}

/// Feeds a long stream piece by piece until it is refused; what was held meanwhile must stay small.
unsigned refused_while_bounded(const std::string& start, const std::string& repeated, std::size_t total,
                               std::size_t step, std::size_t max_held) {
  request_reader reader;
  reader.feed(start);
  std::string stream;
  while (stream.size() < step + repeated.size())
    stream += repeated;
  const auto period = stream.size() / repeated.size() * repeated.size();
  for (std::size_t sent = 0; sent < total && reader.result().refused == 0; sent += step) {
    const auto at = sent % period;
    reader.feed(std::string_view{stream}.substr(at, step));
    if (at + step > period)
      reader.feed(std::string_view{stream}.substr(0, at + step - period));
    if (reader.result().refused == 0) {
      EXPECT_LE(reader.pending_bytes(), max_held);
    }
  }
  return reader.result().refused;
}

}  // namespace

TEST(RequestProofTest, Bt1AndBt21TrailersChangeNothing) {
  const auto seen =
      expect_read(chunked +
                      "1\r\nX\r\n0\r\nAuthorization: Bearer evil\r\nX-Forwarded-For: 6.6.6.6\r\nHost: b\r\n"
                      "Content-Type: x/evil\r\nContent-Length: 3\r\nConnection: close\r\n\r\n" +
                      smuggled,
                  2);
  ASSERT_EQ(seen.requests.size(), 2u);
  EXPECT_EQ(seen.requests[0].body, "X");
  EXPECT_EQ(seen.requests[0].fields.size(), 2u);
  EXPECT_TRUE(seen.requests[0].keep_alive);
}

TEST(RequestProofTest, Bt2AndBt11NoOtherCodingIsEverBodyless) {
  for (const std::string coding : {"xchunked",
                                   "gzip",
                                   "chunked, gzip",
                                   "gzip, chunked",
                                   "chunked,chunked",
                                   "\"chunked\"",
                                   "",
                                   " ",
                                   "identity",
                                   "chunked, identity",
                                   ",",
                                   "gzip;q=1, chunked",
                                   "(chunked)",
                                   "chunked;foo=bar",
                                   "chunked foo",
                                   "chunked\xA0",
                                   "chunked=1",
                                   "chunked,",
                                   ",chunked",
                                   "chunked ;"})
    expect_refused(post + "Transfer-Encoding: " + coding + "\r\n\r\n" + smuggled, 501);
  expect_refused(post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled, 400);
  expect_refused(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n" + smuggled, 400);
}

TEST(RequestProofTest, Bt3TransferEncodingBesideContentLength) {
  for (const std::string coding : {"gzip", "chunked", "", "xchunked"}) {
    expect_refused(post + "Transfer-Encoding: " + coding + "\r\nContent-Length: 5\r\n\r\nhello" + smuggled, 400);
    expect_refused(post + "Content-Length: 5\r\nTransfer-Encoding: " + coding + "\r\n\r\nhello" + smuggled, 400);
  }
}

TEST(RequestProofTest, Bt4ChunkedOnHttp10) {
  expect_refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400);
  expect_refused("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 400);
}

TEST(RequestProofTest, Bt5ControlsInsideAQuotedExtension) {
  for (const auto& line : {"1;a=\"\n\""s, "1;a=\"\0\x01\x7f\""s, "1;a=\"\\\n\""s, "0;a=\"\n\""s, "5;a=\"\nabc\n\""s})
    expect_refused(chunked + line + "\r\nX\r\n0\r\n\r\n", 400);
}

TEST(RequestProofTest, Bt6AndBt18AndBt22ExtensionsAreBounded) {
  EXPECT_EQ(refused_while_bounded(chunked + "1;", "x", 10 << 20, 4096, 0), 400u);
  EXPECT_EQ(refused_while_bounded(chunked, "0", 10 << 20, 4096, 0), 400u);
  EXPECT_EQ(refused_while_bounded(chunked, "1;" + std::string(8000, 'e') + "\r\nx\r\n", 80 << 20, 4096, 0), 400u);
  EXPECT_EQ(refused_while_bounded(chunked, "1;" + std::string(60, 'e') + "\r\nx\r\n", 80 << 20, 4096, 0), 413u);
  expect_refused(chunked + "1;a=\"b\r\nX\r\n0\r\n\x01", 400);
  expect_refused(chunked + "1;a=\"\r\n" + std::string(200, 'q'), 400);
}

TEST(RequestProofTest, Bt7AndBt16TrailersAreBounded) {
  EXPECT_EQ(refused_while_bounded(chunked + "0\r\n", "T1: v\r\n", 7'000'000, 4096, 0), 431u);
  EXPECT_EQ(read_whole(chunked + "0\r\nA: " + std::string(65'534, 'b') + "\r\n\r\n").refused, 431u);
  EXPECT_EQ(read_whole(chunked + "0\r\n" + std::string(65'534, 'b') + ": v\r\n\r\n").refused, 431u);
}

TEST(RequestProofTest, Bt8AndBt17TheHeadIsBoundedHoweverItComes) {
  EXPECT_EQ(refused_while_bounded("GET / HTTP/1.1\r\nHost: a\r\nA1: b\r\nA", "2: b\r\nA", 1 << 20, 7, 10'240), 431u);
  EXPECT_EQ(refused_while_bounded("GET / HTTP/1.1\r\nHost: a\r\nX: 12345\r\nA", "A2: bb\r\n", 16 << 20, 512, 11'000),
            431u);
}

TEST(RequestProofTest, Bt9ALengthOverTheLimitIsRefusedAtOnce) {
  expect_refused(post + "Content-Length: 99999999999\r\n\r\nX", 413);
  expect_refused(post + "Content-Length: 99999999999\r\n\r\nX-A: 1\r\n\r\n", 413);
}

TEST(RequestProofTest, Bt10AndBt19TheLastChunkInSmallPieces) {
  EXPECT_EQ(expect_read(chunked + "0\r\n\r\n", 1).requests[0].body, "");
  EXPECT_EQ(expect_read(chunked + "0\r\nT: v\r\n\r\n", 1).requests[0].body, "");
}

TEST(RequestProofTest, Bt12ALeadingEmptyLine) {
  expect_read("\r\n" + smuggled, 1);
  expect_refused("\r\n\r\n" + smuggled, 400);
}

TEST(RequestProofTest, Bt13Host) {
  const std::string get = "GET / HTTP/1.1\r\n";
  for (const std::string lines : {"Host: a\r\nHost: b\r\n", "", "Host: a, b\r\n", "Host: user@a\r\n", "Host: a/b\r\n",
                                  "Host:\r\n", "Host: a\r\nHost: a\r\n", "Host: a b\r\n", "Host: \xff\r\n"})
    expect_refused(get + lines + "\r\n", 400);
}

TEST(RequestProofTest, Bt14TheRequestBeforeGarbageIsServed) {
  const auto seen = expect_read(smuggled + "garbage\r\n\r\n" + smuggled, 1);
  EXPECT_EQ(seen.refused, 400u);
}

TEST(RequestProofTest, Bt23CloseWinsOnHttp10) {
  const auto seen = expect_read("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n" + smuggled, 1);
  EXPECT_FALSE(seen.requests[0].keep_alive);
}

TEST(RequestProofTest, PipelinedRequestsOfAllFramingsKeepTheirBounds) {
  const auto seen = expect_read(smuggled + post + "Content-Length: 5\r\n\r\nhello" + chunked + "2\r\nhi\r\n0\r\n\r\n" +
                                    chunked + "2;x=y\r\nho\r\n0\r\nT: v\r\n\r\n" + post +
                                    "Content-Length: 0\r\n\r\n\r\n" + post + "Content-Length: 4\r\n\r\n\r\n\r\n",
                                6);
  ASSERT_EQ(seen.requests.size(), 6u);
  EXPECT_EQ(seen.requests[1].body, "hello");
  EXPECT_EQ(seen.requests[2].body, "hi");
  EXPECT_EQ(seen.requests[3].body, "ho");
  EXPECT_EQ(seen.requests[4].body, "");
  EXPECT_EQ(seen.requests[5].body, "\r\n\r\n");
  EXPECT_FALSE(seen.unfinished);
}
