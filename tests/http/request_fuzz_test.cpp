// Seeded mutations of requests: the reader never crashes, and what it makes of bytes does not depend on their
// segmentation. TROUPE_FUZZ_SEED replays a run that failed.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "tests/http/request_reading.hpp"

using namespace troupe::http;

namespace {

const std::vector<std::string> pieces = {"GET ",
                                         "POST ",
                                         "OPTIONS * ",
                                         "/",
                                         "/a/b",
                                         "?q=1",
                                         "%2e",
                                         "%00",
                                         "%C3%A9",
                                         "..",
                                         "#",
                                         "http://h/",
                                         " HTTP/1.1\r\n",
                                         " HTTP/1.0\r\n",
                                         "Host: a\r\n",
                                         "Host: [::1]:80\r\n",
                                         "Content-Length: 5\r\n",
                                         "Content-Length: 0\r\n",
                                         "Transfer-Encoding: chunked\r\n",
                                         "Transfer-Encoding: gzip\r\n",
                                         "Connection: close\r\n",
                                         "Connection: keep-alive\r\n",
                                         "Expect: 100-continue\r\n",
                                         "\r\n",
                                         "\r",
                                         "\n",
                                         "\r\n\r\n",
                                         "0\r\n\r\n",
                                         "5\r\nhello\r\n",
                                         "1;a=b\r\nX\r\n",
                                         "0\r\nT: v\r\n\r\n",
                                         "ffffffffffffffff\r\n",
                                         "a\r\n0123456789\r\n",
                                         " folded\r\n",
                                         "X_A: b\r\n",
                                         ":",
                                         ";",
                                         " ",
                                         "\t",
                                         std::string(1, '\0'),
                                         "\x7f",
                                         "\xff",
                                         "hello"};

const std::vector<std::string> seeds = {
    "GET /x?y=z HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;e=f\r\nhello\r\n0\r\nT: v\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"};

class mutator {
public:
  explicit mutator(std::uint64_t seed) : random_{seed} {}

  std::size_t below(std::size_t bound) {
    return bound == 0 ? 0 : std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_);
  }

  std::string make() {
    std::string bytes;
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i)
      bytes += seeds[below(seeds.size())];
    for (std::size_t i = 0, n = below(5); i < n; ++i)
      mutate(bytes);
    return bytes;
  }

private:
  void mutate(std::string& bytes) {
    const auto at = below(bytes.size() + 1);
    switch (below(4)) {
      case 0: bytes.insert(at, pieces[below(pieces.size())]); break;
      case 1: bytes.erase(at, below(6)); break;
      case 2:
        if (at < bytes.size())
          bytes[at] = static_cast<char>(below(256));
        break;
      default: bytes.insert(below(bytes.size() + 1), bytes.substr(at, below(30))); break;
    }
  }

  std::mt19937_64 random_;
};

reading read_in_random_pieces(mutator& source, const std::string& bytes, head_limits head, chunk_limits chunks) {
  request_reader reader{head, chunks};
  for (std::size_t at = 0; at < bytes.size();) {
    const auto size = 1 + source.below(source.below(2) == 0 ? 3 : 40);
    reader.feed(std::string_view{bytes}.substr(at, size));
    at += size;
  }
  return reader.result();
}

}  // namespace

TEST(RequestFuzzTest, SegmentationNeverMatters) {
  const char* chosen = std::getenv("TROUPE_FUZZ_SEED");
  const std::uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
  mutator source{seed};
  // Low limits, so that random inputs reach them.
  const head_limits head{.max_bytes = 160, .max_fields = 5, .max_target_bytes = 24, .max_body_bytes = 40};
  const chunk_limits chunks{.max_body_bytes = 40, .max_extension_bytes = 8, .max_trailer_bytes = 16};

  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1500};
  std::size_t runs = 0;
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const auto bytes = source.make();
    const auto whole = read_whole(bytes, head, chunks);
    ASSERT_EQ(read_bytewise(bytes, head, chunks), whole) << "seed " << seed << ", run " << runs << '\n' << bytes;
    ASSERT_EQ(read_in_random_pieces(source, bytes, head, chunks), whole) << "seed " << seed << ", run " << runs << '\n'
                                                                         << bytes;
    accepted += whole.requests.size();
    refused += whole.refused != 0;
  }

  EXPECT_GT(accepted, runs / 10) << "seed " << seed;
  EXPECT_GT(refused, runs / 10) << "seed " << seed;
}
