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
    std::vector<nlohmann::json> parsed;
    for (const auto& line : raw_lines(log))
      parsed.push_back(nlohmann::json::parse(line));
    return parsed;
  }

  std::vector<std::string> raw_lines(access_log& log) {
    log.flush();
    stop_log();
    ::close(ends_[1]);
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got; (got = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
    std::vector<std::string> written;
    std::istringstream text{all};
    for (std::string line; std::getline(text, line);)
      written.push_back(std::move(line));
    return written;
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
  entry.cause = "overloaded";
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

/// As any other event would be written.
std::string generic_line(const access_entry& entry, log_level level) {
  const auto ms = [](duration length) {
    return std::chrono::duration<double, std::milli>(std::chrono::duration_cast<std::chrono::microseconds>(length))
        .count();
  };
  std::string line;
  append_log_line(line, level, "request",
                  {{"method", entry.method},
                   {"path", entry.path},
                   {"status", entry.status},
                   {"route", entry.route},
                   {"function", entry.function},
                   {"cause", entry.cause},
                   {"bytes", entry.bytes},
                   {"total_ms", ms(entry.total)},
                   {"queue_ms", ms(entry.queued)},
                   {"cold_ms", ms(entry.started)},
                   {"run_ms", ms(entry.ran)},
                   {"peer", entry.peer},
                   {"request_id", entry.request_id.view()},
                   {"invocation_id", entry.invocation_id ? to_string(*entry.invocation_id) : std::string{}},
                   {"detail", entry.detail}});
  return line;
}

TEST_F(AccessLogTest, ALineIsByteForByteThatOfAnyOtherEvent) {
  using std::chrono::microseconds;
  access_log log{access_log_mode::all, 1};
  const auto id = make_uuid();
  const std::vector<std::string> texts = {"",
                                          "/plain",
                                          "GET /shop/{id}/and/some/more/that/is/longer/than/eight",
                                          "/a\"b\\c",
                                          std::string{"/nul\0line\nescape\x1b[31m", 22},
                                          "/del\x7f/utf8-\xc3\xa4\xe2\x82\xac",
                                          "/c1-\xc2\x9b/latin1-\xe4",
                                          "12345678\"",
                                          "1234567\"",
                                          std::string(9000, 'x')};
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    access_entry entry;
    entry.method = "GET";
    entry.path = texts[i];
    entry.route = texts[(i + 1) % texts.size()];
    entry.function = texts[(i + 2) % texts.size()];
    entry.peer = texts[(i + 3) % texts.size()];
    entry.detail = texts[(i + 4) % (texts.size() - 1)];
    entry.status = i % 2 == 0 ? 200 : 504;
    entry.cause = i % 2 == 0 ? "" : "function_timeout";
    entry.bytes = i * 12'345'678'901;
    entry.total = microseconds{1};
    entry.queued = microseconds{i * 100};
    entry.started = std::chrono::nanoseconds{1'999'999 + i * 10'000};
    entry.ran = microseconds{30'000'120 + i};
    entry.request_id = make_request_id();
    entry.invocation_id = i % 3 == 0 ? &id : nullptr;
    ASSERT_TRUE(log.wants(entry.status));
    log.write(entry);
    expected.push_back(generic_line(entry, i % 2 == 0 ? log_level::info : log_level::warning));
  }
  const auto written = raw_lines(log);
  ASSERT_EQ(written.size(), expected.size());
  const auto behind_time = [](const std::string& line) { return line.substr(line.find("Z\"")); };
  for (std::size_t i = 0; i < written.size(); ++i)
    EXPECT_EQ(behind_time(written[i] + '\n'), behind_time(expected[i]));
}

TEST_F(AccessLogTest, TimesOfAnySizeAreNumbersInMilliseconds) {
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  entry.status = 200;
  entry.total = std::chrono::hours{24 * 365};
  entry.queued = std::chrono::seconds{100};
  entry.started = std::chrono::microseconds{-1'500};
  entry.ran = std::chrono::nanoseconds{999};
  log.write(entry);
  const auto written = lines(log);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0]["total_ms"], 31'536'000'000.0);
  EXPECT_EQ(written[0]["queue_ms"], 100'000.0);
  EXPECT_EQ(written[0]["cold_ms"], -1.5);
  EXPECT_EQ(written[0]["run_ms"], 0);
}

TEST_F(AccessLogTest, OfALongDetailTheBeginningIsWritten) {
  access_log log{access_log_mode::all, 1};
  access_entry entry;
  const std::string detail(5'000'000, 'x');
  entry.detail = detail;
  log.write(entry);
  const auto written = lines(log);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0]["detail"], detail.substr(0, 1024));
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
