#include "http/admin_origin.hpp"

#include <gtest/gtest.h>

#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace {

const std::vector<std::string> configured{"admin.example", "10.0.0.7"};

bool allowed(std::string_view host, std::string_view origin = {}) {
  const auto checked = check_admin_origin(host, origin, configured);
  if (!checked) {
    EXPECT_EQ(checked.error().code, errc::refused);
  }
  return checked.has_value();
}

}  // namespace

TEST(AdminOriginTest, AnswersToLoopbackLocalhostAndConfiguredNames) {
  for (const auto* host : {"127.0.0.1:9001", "127.0.0.1", "127.9.9.9:1", "[::1]:9001", "[::1]", "localhost",
                           "LocalHost:9001", "admin.example:9001", "ADMIN.example", "10.0.0.7:80"})
    EXPECT_TRUE(allowed(host)) << host;
}

TEST(AdminOriginTest, RefusesNamesThatAPageCouldMakeResolveHere) {
  for (const auto* host :
       {"", "evil.example", "evil.example:9001", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.8",
        "128.0.0.1", "0.0.0.0", "2130706433", "127.1", "[::2]", "[::ffff:127.0.0.1]x", "[::1", "[127.0.0.1]",
        "127.0.0.1:", "127.0.0.1:80:80", "127.0.0.1:evil", "localhost:9001@evil", "::1"})
    EXPECT_FALSE(allowed(host)) << host;
}

TEST(AdminOriginTest, RefusesPagesOfOtherOrigins) {
  EXPECT_TRUE(allowed("127.0.0.1:9001", "http://127.0.0.1:9001"));
  EXPECT_TRUE(allowed("localhost:9001", "http://LOCALHOST:9001"));
  EXPECT_TRUE(allowed("admin.example", "https://admin.example"));
  for (const auto* origin :
       {"null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:3000", "http://localhost:9001",
        "http://127.0.0.1:9001.evil.example", "file://", "127.0.0.1:9001", "ftp://127.0.0.1:9001"})
    EXPECT_FALSE(allowed("127.0.0.1:9001", origin)) << origin;
}
