#include "config/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "config/log_losses.hpp"

using namespace troupe;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

namespace {

class LogTest : public testing::Test {
protected:
  LogTest() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~LogTest() override {
    stop_log();
    close_writer();
    ::close(ends_[0]);
  }

  log_options options(log_format format) const {
    return {.format = format, .output = ends_[1], .flush_timeout = milliseconds{20}};
  }
  /// Everything that was written; the log must have stopped.
  std::string written() {
    close_writer();
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t got; (got = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
    return all;
  }
  /// What is read up to these words, or nothing when the output ends before them.
  std::optional<std::string> read_until(std::string_view words) {
    std::string all;
    std::array<char, 4096> piece{};
    while (all.find(words) == std::string::npos) {
      const auto got = ::read(ends_[0], piece.data(), piece.size());
      if (got <= 0)
        return std::nullopt;
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  void fill_output() {
    ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    const std::string page(4096, '.');
    while (::write(ends_[1], page.data(), page.size()) > 0) {
    }
    ::fcntl(ends_[1], F_SETFL, 0);
  }
  void close_writer() {
    if (ends_[1] >= 0)
      ::close(ends_[1]);
    ends_[1] = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

}  // namespace

TEST_F(LogTest, LevelAndFormChangeWhileItRuns) {
  start_log(options(log_format::json));
  log_event(log_level::info, "first");
  adjust_log(log_level::warning, log_format::human);
  log_event(log_level::info, "left_out");
  log_event(log_level::warning, "second");
  adjust_log(log_level::debug, log_format::automatic);
  log_event(log_level::debug, "third");
  stop_log();

  const auto text = written();
  EXPECT_THAT(text, HasSubstr("\"event\":\"first\""));
  EXPECT_THAT(text, HasSubstr(" warning second\n"));
  EXPECT_THAT(text, HasSubstr("\"event\":\"third\"")) << "a pipe is no terminal";
  EXPECT_THAT(text, testing::Not(HasSubstr("left_out")));
}

TEST_F(LogTest, NoLogIsNoneAfterAChangeEither) {
  adjust_log(log_level::debug, log_format::json);
  EXPECT_FALSE(log_enabled(log_level::info));
}

TEST_F(LogTest, JsonLinesCarryTimeLevelEventAndFields) {
  start_log(options(log_format::automatic));
  log_event(log_level::info, "node_started",
            {{"http", "0.0.0.0:8080"},
             {"loops", 2},
             {"big", ~0ULL},
             {"ready", true},
             {"share", 0.5},
             {"odd", std::string{"a\"\n\x1b"}},
             {"bytes", "\xff"},
             {"nan", std::numeric_limits<double>::quiet_NaN()}});
  stop_log();

  const auto line = written();
  EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z\",.*"
                                 "\n"));
  EXPECT_THAT(line, EndsWith(",\"level\":\"info\",\"event\":\"node_started\",\"http\":\"0.0.0.0:8080\",\"loops\":2,"
                             "\"big\":18446744073709551615,\"ready\":true,\"share\":0.5,\"odd\":\"a\\\"\\n\\u001b\","
                             "\"bytes\":\"\xc3\xbf\",\"nan\":null}\n"));
}

TEST_F(LogTest, HumanLinesQuoteOnlyWhatNeedsIt) {
  start_log(options(log_format::human));
  log_event(log_level::warning, "worker_crashed",
            {{"function", "hello"},
             {"signal", -9},
             {"why", "out of memory"},
             {"empty", ""},
             {"escape",
              "\x7f\xc2\x9b"
              "31m\xc3\xa9"}});
  stop_log();

  const auto line = written();
  EXPECT_THAT(line, EndsWith("Z warning worker_crashed function=hello signal=-9 why=\"out of memory\" empty=\"\" "
                             "escape=\"\\u007f\\u009b31m\xc3\xa9\"\n"));
}

TEST_F(LogTest, LowerLevelsAreNotWritten) {
  auto chosen = options(log_format::json);
  chosen.level = log_level::warning;
  start_log(chosen);
  EXPECT_FALSE(log_enabled(log_level::info));
  EXPECT_TRUE(log_enabled(log_level::error));
  log_event(log_level::info, "quiet");
  stop_log();
  EXPECT_EQ(written(), "");
}

TEST_F(LogTest, LinesOfManyThreadsStayWholeAndNoneIsLost) {
  const auto before = dropped_log_lines();
  auto chosen = options(log_format::json);
  chosen.flush_timeout = seconds{10};
  start_log(chosen);
  std::string all;
  std::thread reader{[&] {
    std::array<char, 4096> piece{};
    for (ssize_t got; (got = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(got));
  }};
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([] {
      for (int i = 0; i < 250; ++i)
        log_event(log_level::info, "line", {{"filling", std::string(100, 'f')}});
    });
  for (auto& writer : writers)
    writer.join();
  stop_log();
  close_writer();
  reader.join();

  EXPECT_EQ(dropped_log_lines(), before);
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < all.size(); ++lines) {
    const auto end = all.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    ASSERT_THAT(all.substr(begin, end - begin), StartsWith("{\"time\""));
    ASSERT_THAT(all.substr(begin, end - begin), EndsWith("f\"}"));
    begin = end + 1;
  }
  EXPECT_EQ(lines, 1000u);
}

TEST_F(LogTest, AnOutputThatTakesNothingCostsLinesAndNotTime) {
  const auto before = dropped_log_lines();
  fill_output();
  auto chosen = options(log_format::json);
  chosen.max_queued_lines = 16;
  start_log(chosen);

  for (int i = 0; i < 1000; ++i)
    log_event(log_level::info, "line", {{"number", i}});
  EXPECT_GE(dropped_log_lines() - before, 900u);
  stop_log();

  EXPECT_GE(dropped_log_lines() - before, 1000u);
}

TEST_F(LogTest, TellsLostEventsFromLostLinesThatWereCollected) {
  const auto before = lost_log_lines();
  fill_output();
  start_log(options(log_format::json));
  for (int i = 0; i < 100; ++i)
    log_lines("one\ntwo\n", 2);
  log_event(log_level::info, "line");
  stop_log();

  const auto after = lost_log_lines();
  EXPECT_EQ(after.collected - before.collected, 200u);
  EXPECT_GE(after.events - before.events, 1u);
}

TEST_F(LogTest, LinesThatWereCollectedCountAsSuchAlsoWhenEventsPushThemOut) {
  const auto before = lost_log_lines();
  fill_output();
  auto chosen = options(log_format::json);
  chosen.max_queued_lines = 16;
  start_log(chosen);
  for (int i = 0; i < 8; ++i)
    log_lines("one\ntwo\nthree\n", 3);
  for (int i = 0; i < 100; ++i)
    log_event(log_level::info, "line", {{"number", i}});

  // One more of each may be with the writer, and not in the queue.
  const auto pushed_out = lost_log_lines();
  EXPECT_GE(pushed_out.collected - before.collected, 7u * 3);
  EXPECT_GE(pushed_out.events - before.events, 100u - 16 - 1);
  stop_log();

  const auto after = lost_log_lines();
  EXPECT_EQ(after.collected - before.collected, 8u * 3);
  EXPECT_EQ(after.events - before.events, 100u + 1) << "and the line that says how many were lost";
}

TEST_F(LogTest, LinesThatWerePushedOutLeaveRoomForOthers) {
  auto chosen = options(log_format::json);
  chosen.max_queued_lines = 16;
  chosen.flush_timeout = seconds{10};
  start_log(chosen);
  const auto block = std::string(32'000, 'x') + "\n";
  // Together more than blocks of lines may hold.
  for (int round = 0; round < 12; ++round) {
    fill_output();
    const auto before = lost_log_lines();
    for (int i = 0; i < 8; ++i)
      log_lines(block, 1);
    for (int i = 0; i < 30; ++i)
      log_event(log_level::info, "line");
    ASSERT_GE(lost_log_lines().collected - before.collected, 7u);
    log_event(log_level::info, "last");
    ASSERT_TRUE(read_until("\"last\"}\n"));
  }
  const auto before = lost_log_lines();

  log_lines("kept\n", 1);
  stop_log();

  EXPECT_THAT(written(), HasSubstr("kept\n"));
  EXPECT_EQ(lost_log_lines().collected, before.collected);
}

TEST_F(LogTest, CollectedLinesWaitForAnOutputThatPausesHoweverFewComeAtATime) {
  fill_output();
  auto chosen = options(log_format::json);
  chosen.flush_timeout = seconds{10};
  start_log(chosen);
  const auto before = lost_log_lines();

  for (int i = 0; i < 500; ++i)
    log_lines("one\n", 1);
  EXPECT_EQ(lost_log_lines().collected, before.collected);

  log_event(log_level::info, "last");
  const auto all = read_until("\"last\"}\n");
  stop_log();
  ASSERT_TRUE(all);
  EXPECT_EQ(std::count(all->begin(), all->end(), '\n'), 501);
}

TEST_F(LogTest, CollectedLinesThatWaitTakeNoMoreThan2MiB) {
  fill_output();
  start_log(options(log_format::json));
  const auto before = lost_log_lines();
  const auto block = std::string(32'000, 'x') + "\n";

  for (int i = 0; i < 100; ++i)
    log_lines(block, 1);

  EXPECT_GE(lost_log_lines().collected - before.collected, 100u - (2 << 20) / 32'000);
  stop_log();
}

TEST_F(LogTest, SaysAtItsEndHowManyLinesWereDropped) {
  fill_output();
  auto chosen = options(log_format::json);
  chosen.max_queued_lines = 16;
  chosen.flush_timeout = seconds{10};
  start_log(chosen);
  for (int i = 0; i < 100; ++i)
    log_event(log_level::info, "line", {{"number", i}});

  std::thread stopper{[] { stop_log(); }};
  const auto all = read_until("log_lines_dropped");
  stopper.join();
  ASSERT_TRUE(all);
  EXPECT_THAT(*all, HasSubstr("\"number\":99"));
}

TEST_F(LogTest, StoppingTwiceAndLoggingAfterwardsIsHarmless) {
  start_log(options(log_format::json));
  start_log(options(log_format::json));
  stop_log();
  stop_log();
  log_event(log_level::info, "nobody_reads_this");
  EXPECT_EQ(written(), "");
}
