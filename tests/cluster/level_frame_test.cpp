#include "cluster/level_frame.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::cluster;

TEST(LevelFrameTest, QuestionAndAnswerComeBackAsTheyWent) {
  EXPECT_TRUE(check_level_question(encode_level_question().view()));

  const copy_level level{{3, ~std::uint64_t{0}}, {70'000}};
  EXPECT_EQ(decode_level(encode(level).view()), level);
}

TEST(LevelFrameTest, WhatNewerNodesAddIsPassedOver) {
  auto head = encode(copy_level{{1, 2}, {3}});
  head.append("\x07");

  EXPECT_EQ(decode_level(head.view()).value().at, cursor{3});
}

TEST(LevelFrameTest, AnythingElseIsRefused) {
  EXPECT_EQ(check_level_question("").error().code, errc::protocol);
  EXPECT_EQ(check_level_question("\x02").error().code, errc::protocol);
  EXPECT_EQ(check_level_question("\xc1").error().code, errc::protocol);
  const auto whole = encode(copy_level{{1, 2}, {300}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(decode_level(whole.view().substr(0, size)).error().code, errc::protocol) << size;
}
