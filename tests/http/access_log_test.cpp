#include "http/access_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

using namespace troupe;
using namespace troupe::http;

namespace {

class AccessLogTest : public testing::Test {
protected:
  AccessLogTest() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    start_log({.format = log_format::json, .output = ends_[1]});
  }
  ~AccessLogTest() override {
    stop_log();
    ::close(ends_[0]);
  }

  /// What was written, line by line.
  std::vector<nlohmann::json> lines(access_log& log) {
    log.flush();
    stop_log();
    ::close(ends_[1]);
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got; (got = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
    std::vector<nlohmann::json> parsed;
    std::istringstream text{all};
    for (std::string line; std::getline(text, line);)
      parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  }

private:
  std::array<int, 2> ends_{};
};

TEST_F(AccessLogTest, WritesALineForEachRequestWithItsTimesInMilliseconds) {
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  entry.method = "GET";
  entry.path = "/a\"b";
  entry.status = 200;
  entry.total = std::chrono::microseconds{1500};
  ASSERT_TRUE(log.wants(entry.status));
  log.write(entry);
  const auto written = lines(log);
  ASSERT_EQ(written.size(), 1);
  EXPECT_EQ(written[0]["event"], "request");
  EXPECT_EQ(written[0]["path"], "/a\"b");
  EXPECT_EQ(written[0]["status"], 200);
  EXPECT_EQ(written[0]["total_ms"], 1.5);
  EXPECT_EQ(written[0]["level"], "info");
}

TEST_F(AccessLogTest, SaysServerErrorsAsWarningsWithTheirCause) {
  access_log log{access_log_mode::failed, 1};
  access_entry entry;
  entry.status = 503;
  entry.cause = errc::overloaded;
  EXPECT_FALSE(log.wants(200));
  EXPECT_FALSE(log.wants(404));
  EXPECT_TRUE(log.wants(0));
  ASSERT_TRUE(log.wants(entry.status));
  log.write(entry);
  const auto written = lines(log);
  ASSERT_EQ(written.size(), 1);
  EXPECT_EQ(written[0]["cause"], "overloaded");
  EXPECT_EQ(written[0]["level"], "warning");
}

TEST_F(AccessLogTest, OfGoodRequestsTakesOneInSoManyAndOfFailedOnesAll) {
  access_log log{access_log_mode::all, 10};
  int good = 0;
  int failed = 0;
  for (int i = 0; i < 100; ++i) {
    good += log.wants(200) ? 1 : 0;
    failed += log.wants(500) ? 1 : 0;
  }
  EXPECT_EQ(good, 10);
  EXPECT_EQ(failed, 100);
}

TEST_F(AccessLogTest, OffWritesNothing) {
  access_log log{access_log_mode::off, 1};
  EXPECT_FALSE(log.wants(200));
  EXPECT_FALSE(log.wants(500));
  EXPECT_TRUE(lines(log).empty());
}

TEST_F(AccessLogTest, ManyLinesAllArrive) {
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  entry.status = 200;
  for (std::size_t i = 0; i < 500; ++i) {
    entry.bytes = i;
    log.write(entry);
    // A pipe holds 64 KB and nobody reads it yet: what is more than that waits in the queue.
  }
  std::size_t dropped = dropped_log_lines();
  const auto written = lines(log);
  EXPECT_EQ(written.size() + (dropped_log_lines() - dropped), 500);
}

}  // namespace
