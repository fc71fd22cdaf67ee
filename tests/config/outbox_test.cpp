#include "config/outbox.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace troupe;

TEST(OutboxTest, WhatWasAppendedLeavesInItsOrder) {
  outbox out;
  std::string written, left;
  for (int i = 0; i < 20'000; ++i) {
    const auto piece = std::to_string(i) + std::string(static_cast<std::size_t>(i % 97), 'x');
    out.make_room();
    out.bytes().append(piece);
    written += piece;
    if (i % 3 != 0)
      continue;
    const auto taken = out.unsent().size() / 2;
    left += out.unsent().substr(0, taken);
    out.sent(taken);
  }
  left += out.unsent();
  out.sent(out.unsent().size());

  EXPECT_EQ(left, written);
  EXPECT_TRUE(out.unsent().empty());
}

TEST(OutboxTest, ABacklogThatNeverEndsTakesBoundedMemory) {
  outbox out;
  const std::string piece(100'000, 'x');
  out.bytes().append(piece);
  for (int i = 0; i < 10'000; ++i) {
    out.make_room();
    out.bytes().append(piece);
    out.sent(piece.size());
    ASSERT_LE(out.bytes().capacity(), 8 * piece.size());
  }
  EXPECT_EQ(out.unsent().size(), piece.size());
}

TEST(OutboxTest, WhatNothingIsAppendedToIsNotMoved) {
  outbox out;
  out.bytes().append(std::string(5'000'000, 'x'));
  const auto* const begin = out.unsent().data();
  out.sent(4'000'000);
  EXPECT_EQ(out.unsent().data(), begin + 4'000'000);
}

TEST(OutboxTest, WhatALargeBacklogNeededIsGivenBack) {
  outbox out;
  out.bytes().append(std::string(5'000'000, 'x'));
  out.sent(5'000'000);
  EXPECT_EQ(out.bytes().capacity(), 0u);

  out.bytes().append(std::string(5'000'000, 'x'));
  out.bytes().truncate(0);
  out.settle();
  EXPECT_EQ(out.bytes().capacity(), 0u);

  out.bytes().append("small");
  out.sent(5);
  EXPECT_GT(out.bytes().capacity(), 0u) << "the next one finds it ready";
}
