#include "cluster/node_bands.hpp"

#include <gtest/gtest.h>

namespace troupe::cluster {
namespace {

class NodeBandsTest : public ::testing::Test {
protected:
  band_order order(std::uint64_t number, instance_band band) const { return {make_uuid(), function, 1, number, band}; }
  bool accepts(const band_order& what) { return bands.accept(what, home, start, home).has_value(); }

  uuid function = make_uuid(), home = make_uuid(), start = make_uuid();
  node_bands bands;
};

TEST_F(NodeBandsTest, ANodeAloneHasAllOfIt) {
  EXPECT_EQ(bands.current(function, {1, 5}, home_standing::alone), (instance_band{1, 5}));
  EXPECT_EQ(bands.current(function, {0, 0}, home_standing::alone), (instance_band{0, no_max}));
}

TEST_F(NodeBandsTest, WhatANodeAloneHadIsItsUntilAHomeSaysOtherwise) {
  bands.current(function, {1, 5}, home_standing::alone);

  EXPECT_EQ(bands.current(function, {1, 5}, home_standing::reachable), (instance_band{1, 5}));
  EXPECT_EQ(bands.held(function), (instance_band{1, 5}));
  ASSERT_TRUE(accepts(order(1, {0, 2})));
  EXPECT_EQ(bands.current(function, {1, 5}, home_standing::reachable), (instance_band{0, 2}));
}

TEST_F(NodeBandsTest, WithoutABandALimitedFunctionStartsOnlyWhileItsHomeIsSuspected) {
  EXPECT_EQ(bands.current(function, {1, 5}, home_standing::reachable), (instance_band{0, 0}));
  EXPECT_EQ(bands.current(function, {1, 5}, home_standing::suspected), (instance_band{0, 5}));
  EXPECT_EQ(bands.held(function), instance_band{}) << "nobody gave it that";
}

TEST_F(NodeBandsTest, AnEmptyBandIsNoneAndAnotherStaysWhenTheHomeIsSuspected) {
  ASSERT_TRUE(accepts(order(1, {0, 0})));
  EXPECT_EQ(bands.current(function, {0, 5}, home_standing::suspected), (instance_band{0, 5}));
  ASSERT_TRUE(accepts(order(2, {0, 2})));
  EXPECT_EQ(bands.current(function, {0, 5}, home_standing::suspected), (instance_band{0, 2}));
}

TEST_F(NodeBandsTest, AFunctionWithoutMaximumIsBoundByMemoryAlone) {
  ASSERT_TRUE(accepts(order(1, {2, 0})));
  EXPECT_EQ(bands.current(function, {3, 0}, home_standing::reachable), (instance_band{2, no_max}));
}

TEST_F(NodeBandsTest, TheLimitsOfTheFunctionBindAtOnce) {
  ASSERT_TRUE(accepts(order(1, {3, 6})));
  EXPECT_EQ(bands.current(function, {2, 4}, home_standing::reachable), (instance_band{2, 4}));
}

TEST_F(NodeBandsTest, AnOrderThatCameLateIsRefused) {
  ASSERT_TRUE(accepts(order(2, {0, 1})));
  EXPECT_FALSE(accepts(order(1, {0, 7})));
  EXPECT_FALSE(accepts(order(2, {0, 7})));
  EXPECT_EQ(bands.held(function), (instance_band{0, 1}));
}

TEST_F(NodeBandsTest, ANewStartOfTheHomeCountsAnew) {
  ASSERT_TRUE(accepts(order(9, {0, 1})));
  start = make_uuid();
  EXPECT_TRUE(accepts(order(1, {0, 2})));
}

TEST_F(NodeBandsTest, OnlyTheHomeMayGive) {
  const auto refused = bands.accept(order(1, {0, 3}), make_uuid(), start, home);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::conflict);
  EXPECT_EQ(bands.held(function), instance_band{});
}

TEST_F(NodeBandsTest, ForgetsWhatIsNoLongerDeployed) {
  ASSERT_TRUE(accepts(order(1, {0, 3})));
  bands.keep_only([](const uuid&) { return false; });
  EXPECT_EQ(bands.held(function), instance_band{});
}

}  // namespace
}  // namespace troupe::cluster
