#include "cli/suggestion.hpp"

#include <gtest/gtest.h>

using namespace troupe::cli;

namespace {

const std::vector<std::string> commands{"serve", "deploy", "invoke", "logs", "list", "routes", "remove", "help"};
const std::vector<std::string> flags{"--memory-mb", "--min-instances", "--max-instances", "--env", "--admin"};

}  // namespace

TEST(SuggestionTest, KnowsSlipsOfTheFingers) {
  EXPECT_EQ(nearest("dploy", commands), "deploy");
  EXPECT_EQ(nearest("deplyo", commands), "deploy");
  EXPECT_EQ(nearest("ivnoke", commands), "invoke");
  EXPECT_EQ(nearest("lst", commands), "list");
  EXPECT_EQ(nearest("log", commands), "logs");
  EXPECT_EQ(nearest("--memroy-mb", flags), "--memory-mb");
  EXPECT_EQ(nearest("--min-instance", flags), "--min-instances");
  EXPECT_EQ(nearest("--memory", flags), "--memory-mb");
}

TEST(SuggestionTest, OneWhoseBeginningIsTyped) {
  EXPECT_EQ(nearest("inv", commands), "invoke");
  EXPECT_EQ(nearest("--adm", flags), "--admin");
}

TEST(SuggestionTest, SaysNothingWhenNothingIsNear) {
  for (const auto* word : {"fly", "", "x", "kubernetes", "--"})
    EXPECT_EQ(nearest(word, commands), "") << word;
  EXPECT_EQ(nearest(std::string(100'000, 'x'), commands), "");
  EXPECT_EQ(did_you_mean("fly", commands), "");
  EXPECT_EQ(did_you_mean("lst", commands), " (did you mean 'list'?)");
}
