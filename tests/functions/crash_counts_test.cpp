#include "functions/crash_counts.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::functions {
namespace {

const digest a = sha256("a");
const digest b = sha256("b");

crash_counts after(std::vector<std::vector<digest>> ends) {
  crash_counts counts;
  for (const auto& running : ends) {
    counts.add_end(running);
    counts = crash_counts::parse(counts.text());  // as a node does between two of its lives
  }
  return counts;
}

TEST(CrashCountsTest, TwoDeathsInARowIsolateAnObject) {
  EXPECT_FALSE(after({{a}}).isolates(a));
  EXPECT_TRUE(after({{a}, {a}}).isolates(a));
  EXPECT_FALSE(after({{a}, {a}}).isolates(b));
}

TEST(CrashCountsTest, AnEndWithoutItBreaksTheRow) {
  EXPECT_FALSE(after({{a}, {}, {a}}).isolates(a));
  EXPECT_FALSE(after({{a}, {b}, {a}}).isolates(a));
  EXPECT_FALSE(after({{a}, {}, {a}}).text().empty());
}

TEST(CrashCountsTest, WhatIsIsolatedStaysSo) {
  EXPECT_TRUE(after({{a}, {a}, {}, {}, {b}}).isolates(a));
}

TEST(CrashCountsTest, ADeathCountsOnceHoweverManyLoopsRanTheObject) {
  EXPECT_FALSE(after({{a, b, a}}).isolates(a));
  const auto counts = after({{a, a}, {a, b}, {b}});
  EXPECT_TRUE(counts.isolates(a));
  EXPECT_TRUE(counts.isolates(b));
}

TEST(CrashCountsTest, WhatMakesNoSenseInTheFileIsPassedOver) {
  const auto name = to_string(a);
  for (const auto& text : {std::string{"\n\n"}, name, name + "\n", name + " ", name + " 3\n", name + " 0\n",
                           name + " 22\n", name.substr(1) + " 2\n", "2\n" + name + "  2", std::string{"\0 2", 3}})
    EXPECT_EQ(crash_counts::parse(text).text(), "") << text;
  EXPECT_TRUE(crash_counts::parse("?\n" + name + " 2").isolates(a));
}

}  // namespace
}  // namespace troupe::functions
