#include "actors/function_logs.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using actors::function_log_ring;

TEST(FunctionLogRingTest, KeepsLinesInOrderWithTheirCall) {
  function_log_ring ring;
  ring.write("call-1", "first");
  ring.write("", "second");

  const auto kept = ring.read();

  ASSERT_EQ(kept.lines.size(), 2u);
  EXPECT_EQ(kept.lines[0].invocation_id, "call-1");
  EXPECT_EQ(kept.lines[0].text, "first");
  EXPECT_EQ(kept.lines[1].text, "second");
  EXPECT_EQ(kept.dropped, 0u);
}

TEST(FunctionLogRingTest, AFloodIsDroppedAndCountedAndNeverExceedsTheBound) {
  function_log_ring ring;
  const std::string line(1000, 'x');

  for (int i = 0; i < 5000; ++i)
    ring.write("call", line);

  const auto kept = ring.read();
  std::size_t bytes = 0;
  for (const auto& each : kept.lines)
    bytes += each.text.size();
  EXPECT_LE(bytes, function_log_ring::max_bytes);
  EXPECT_GT(kept.dropped, 0u);
  EXPECT_EQ(kept.dropped + kept.lines.size(), 5000u);
}

TEST(FunctionLogRingTest, ThatIsFullSaysSoAndCountsWhatNobodyWrote) {
  for (const std::size_t length : {0, 1, 20, 60, 150, 200, 800}) {
    function_log_ring ring;
    EXPECT_FALSE(ring.is_full());
    const std::string line(length, 'x');
    // Seconds begin at any time: in one of some rounds the end of the flood is in one.
    bool full = false;
    for (int round = 0; round < 5 && !full; ++round) {
      while (ring.write("", line)) {
      }
      full = ring.is_full();
    }
    EXPECT_TRUE(full) << length;
    const auto before = ring.read().dropped;

    ring.drop(1000);

    EXPECT_EQ(ring.read().dropped, before + 1000);
  }
}

TEST(FunctionLogRingTest, ALineThatIsLargerThanTheRingIsDropped) {
  function_log_ring ring;
  ring.write("", std::string(function_log_ring::max_bytes + 1, 'x'));
  EXPECT_EQ(ring.read().lines.size(), 0u);
  EXPECT_EQ(ring.read().dropped, 1u);
}

TEST(FunctionLogsTest, WhatWasDroppedStaysCountedWhenTheFunctionIsRemoved) {
  actors::function_logs logs;
  const auto one = make_uuid();
  const std::string too_long(function_log_ring::max_bytes + 1, 'x');
  logs.ring(one)->write("", too_long);
  logs.ring(make_uuid())->write("", too_long);
  EXPECT_EQ(logs.dropped(), 2u);
  logs.forget(one);
  EXPECT_EQ(logs.dropped(), 2u);
}

TEST(FunctionLogRingTest, ReadsInPartsWithoutLossAndKeepsTheLinesOfAnEntryTogether) {
  function_log_ring ring;
  for (int i = 0; i < 20; ++i) {
    ring.write("", std::string(1000, static_cast<char>('a' + i)));
    ring.write_report({make_uuid(), {}, {}, 128, 1, {}});
  }
  const auto whole = ring.read();

  std::vector<std::string> lines;
  std::uint64_t from = 0;
  int parts = 0;
  for (bool more = true; more; ++parts) {
    const auto part = ring.read(from, 3'000);
    ASSERT_FALSE(part.lines.empty());
    EXPECT_EQ(part.overwritten, 0u);
    for (const auto& each : part.lines)
      lines.push_back(each.text);
    EXPECT_NE(part.lines.back().text.substr(0, 4), "END ");
    from = part.next;
    more = part.more;
  }

  ASSERT_EQ(lines.size(), whole.lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(lines[i], whole.lines[i].text);
  EXPECT_GT(parts, 5);
  EXPECT_EQ(from, whole.next);
  EXPECT_EQ(ring.read(1, 1).lines.size(), 1u) << "a line that is larger than the room is read all the same";
}

TEST(FunctionLogRingTest, ACallIsMarkedAsLambdaDoes) {
  function_log_ring ring;
  const auto id = make_uuid();
  ring.write_start(id);
  ring.write(to_string(id), "hello");
  actors::call_report report;
  report.invocation = id;
  report.ran = std::chrono::microseconds{3010};
  report.init = std::chrono::microseconds{110'100};
  report.memory_mb = 128;
  report.max_memory_kb = 36 * 1024 - 5;
  ring.write_report(report);

  const auto kept = ring.read();

  ASSERT_EQ(kept.lines.size(), 4u);
  EXPECT_EQ(kept.lines[0].text, "START RequestId: " + to_string(id) + " Version: $LATEST");
  EXPECT_EQ(kept.lines[1].text, "hello");
  EXPECT_EQ(kept.lines[2].text, "END RequestId: " + to_string(id));
  EXPECT_EQ(kept.lines[3].text, "REPORT RequestId: " + to_string(id) +
                                    "\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
                                    "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t");
}

TEST(FunctionLogRingTest, AReportSaysHowACallFailed) {
  function_log_ring ring;
  actors::call_report report;
  report.failure = errc::function_timeout;
  ring.write_report(report);
  report.failure = errc::memory_exceeded;
  ring.write_report(report);
  const auto kept = ring.read();
  ASSERT_EQ(kept.lines.size(), 4u);
  EXPECT_NE(kept.lines[1].text.find("Status: timeout"), std::string::npos);
  EXPECT_NE(kept.lines[3].text.find("Error Type: Runtime.OutOfMemory"), std::string::npos);
}

TEST(FunctionLogRingTest, AReaderGoesOnWhereItWasAndLearnsWhatItMissed) {
  function_log_ring ring;
  ring.write("", "first");
  const auto begin = ring.read();
  ring.write("", "second");

  const auto more = ring.read(begin.next);

  ASSERT_EQ(more.lines.size(), 1u);
  EXPECT_EQ(more.lines[0].text, "second");
  EXPECT_EQ(more.overwritten, 0u);
  for (int i = 0; i < 3; ++i)
    ring.write("", std::string(300'000, 'x'));
  EXPECT_EQ(ring.read(more.next).overwritten, 0u);
  EXPECT_EQ(ring.read().overwritten, 0u);
  EXPECT_EQ(ring.read(1'000'000).lines.size(), 0u);
}

TEST(FunctionLogRingTest, TheTailOfACallLeavesOutOtherCallsAndIsBounded) {
  function_log_ring ring;
  const auto mine = make_uuid();
  const auto other = make_uuid();
  ring.write_start(mine);
  const auto from = ring.read().lines[0].sequence;
  ring.write(to_string(other), "theirs");
  ring.write("", "anybody's");
  ring.write(to_string(mine), "mine");

  EXPECT_EQ(ring.tail(mine, from), "START RequestId: " + to_string(mine) + " Version: $LATEST\nanybody's\nmine\n");

  for (int i = 0; i < 100; ++i)
    ring.write(to_string(mine), std::string(100, 'y'));
  const auto tail = ring.tail(mine, from);
  EXPECT_LE(tail.size(), function_log_ring::max_tail_bytes);
  EXPECT_GT(tail.size(), function_log_ring::max_tail_bytes - 200);
}
