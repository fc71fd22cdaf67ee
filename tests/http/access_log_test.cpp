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
    EXPECT_GE(::fcntl(ends_[1], F_SETPIPE_SZ, pipe_bytes), pipe_bytes);
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
  static constexpr int pipe_bytes = 1 << 20;  ///< more than is written before somebody reads

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

TEST_F(AccessLogTest, OtherRulesCountAtOnce) {
  access_log log{access_log_mode::off, 1};
  EXPECT_FALSE(log.wants(500));
  log.adjust(access_log_mode::failed, 1);
  EXPECT_TRUE(log.wants(500));
  EXPECT_FALSE(log.wants(200));
  log.adjust(access_log_mode::all, 1);
  EXPECT_TRUE(log.wants(200));
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

TEST_F(AccessLogTest, ManyLinesAllArriveInTheirOrder) {
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  entry.status = 200;
  for (std::size_t i = 0; i < 500; ++i) {
    entry.bytes = i;
    log.write(entry);
  }
  const auto written = lines(log);
  ASSERT_EQ(written.size(), 500);
  for (std::size_t i = 0; i < written.size(); ++i)
    EXPECT_EQ(written[i]["bytes"], i);
}

TEST_F(AccessLogTest, WhatAnOutputThatStandsStillCannotTakeIsDroppedAndCounted) {
  const auto before = dropped_log_lines();
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  entry.status = 200;
  for (std::size_t i = 0; i < 20'000 && dropped_log_lines() == before; ++i)
    log.write(entry);
  EXPECT_GT(dropped_log_lines(), before);
}

}  // namespace
