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

TEST(FunctionLogRingTest, ALineThatIsLargerThanTheRingIsDropped) {
  function_log_ring ring;
  ring.write("", std::string(function_log_ring::max_bytes + 1, 'x'));
  EXPECT_EQ(ring.read().lines.size(), 0u);
  EXPECT_EQ(ring.read().dropped, 1u);
}
