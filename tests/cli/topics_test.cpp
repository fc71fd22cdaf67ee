#include "cli/topics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "cli/command_line.hpp"
#include "cli/topic_tables.hpp"
#include "config/settings.hpp"
#include "http/refusals.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::HasSubstr;
using testing::Not;

namespace {

/// The words after each `troupe` that stands where a command would.
std::vector<std::vector<std::string>> commands_in(const std::string& text) {
  std::vector<std::vector<std::string>> found;
  static const std::regex call{"(^|[ `(|])troupe ([a-z]+[^`\n]*)"};
  for (std::sregex_iterator at{text.begin(), text.end(), call}, end; at != end; ++at) {
    std::istringstream words{(*at)[2].str()};
    found.emplace_back();
    for (std::string word; words >> word && word != "|";)
      found.back().push_back(word);
  }
  return found;
}

bool knows(const std::vector<flag_description>& flags, const std::string& name) {
  for (const auto& flag : flags)
    for (const auto& known : flag.names)
      if (known == name)
        return true;
  return false;
}

}  // namespace

TEST(TopicsTest, TheOnesThatPeopleLookForAreThere) {
  for (const auto* name :
       {"events", "responses", "routes", "runtimes", "settings", "errors", "limits", "admin", "cluster"})
    EXPECT_NE(find_topic(name), nullptr) << name;
  EXPECT_EQ(find_topic("weather"), nullptr);
}

TEST(TopicsTest, EveryCommandAndFlagInATopicExists) {
  const auto tree = describe_command_line();
  for (const auto& topic : all_topics())
    for (const auto& words : commands_in(text_of(topic))) {
      const auto* command = tree.find(words.front());
      ASSERT_NE(command, nullptr) << topic.name << " names `troupe " << words.front() << "`";
      for (const auto& word : words) {
        const bool is_flag = word.starts_with("-") && word != "-";
        EXPECT_TRUE(!is_flag || knows(command->flags, word))
            << topic.name << ": troupe " << words.front() << " " << word;
      }
    }
}

TEST(TopicsTest, EveryFlagAtTheStartOfALineExists) {
  std::set<std::string> known;
  for (const auto& command : describe_command_line().commands)
    for (const auto& flag : command.flags)
      known.insert(flag.names.begin(), flag.names.end());
  static const std::regex row{"\n  (--[a-z-]+)"};
  for (const auto& topic : all_topics()) {
    const auto text = text_of(topic);
    for (std::sregex_iterator at{text.begin(), text.end(), row}, end; at != end; ++at)
      EXPECT_EQ(known.count((*at)[1].str()), 1u) << topic.name << ": " << (*at)[1];
  }
}

TEST(TopicsTest, TablesTakeThePlaceOfTheirMarks) {
  for (const auto& topic : all_topics()) {
    const auto text = text_of(topic);
    EXPECT_FALSE(topic.summary.empty());
    EXPECT_THAT(text, Not(HasSubstr("\n@"))) << topic.name;
    EXPECT_TRUE(text.ends_with("\n") && !text.ends_with("\n\n")) << topic.name;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
      EXPECT_FALSE(line.ends_with(' ')) << topic.name << ": " << line;
  }
}

TEST(TopicsTest, SettingsAreThoseThatThereAre) {
  const auto text = text_of(*find_topic("settings"));
  for (const auto& setting : all_settings()) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string{setting.key} + " "));
    EXPECT_THAT(text, HasSubstr(setting.reason));
    EXPECT_THAT(text, HasSubstr(environment_name(setting.key)));
  }
  EXPECT_THAT(text, HasSubstr("drain.timeout                30s"));
}

TEST(TopicsTest, CausesHaveBothStatuses) {
  EXPECT_THAT(causes_table(), HasSubstr("function_timeout                 500     504 "));
  EXPECT_THAT(causes_table(), HasSubstr("overloaded                       503     503 "));
  EXPECT_THAT(causes_table(), Not(HasSubstr("client_gone")));
  for (const auto& each : http::refusal_causes)
    EXPECT_THAT(causes_table(), HasSubstr("\n  " + std::string{each.name} + " "));
  EXPECT_THAT(limits_table(), HasSubstr("edge.max_head_bytes"));
}
