#include "http/head_peek.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

using namespace troupe::http;

TEST(HeadPeekTest, OfAHeadThatIsRefusedTheLogSeesWhatIsWellFormed) {
  const auto seen = [](std::string_view bytes) {
    const auto line = peek_request_line(bytes, head_limits{});
    return std::pair{line.method, line.path};
  };
  using line = std::pair<std::string_view, std::string_view>;
  EXPECT_EQ(seen("GET /a?b=c HTTP/1.1\r\n"), (line{"GET", "/a"}));
  EXPECT_EQ(seen("\r\nPOST /a\r\n"), (line{"POST", "/a"}));
  EXPECT_EQ(seen("GET /cut"), (line{"GET", ""}));
  EXPECT_EQ(seen("GET /a\x01 HTTP/1.1"), (line{"GET", ""}));
  EXPECT_EQ(seen("GET /" + std::string(8192, 'a') + " HTTP/1.1"), (line{"GET", ""}));
  EXPECT_EQ(seen("G\x01T /a HTTP/1.1"), (line{"", ""}));
  EXPECT_EQ(seen(std::string(33, 'G') + " /a HTTP/1.1"), (line{"", ""}));
  EXPECT_EQ(seen(""), (line{"", ""}));
}
