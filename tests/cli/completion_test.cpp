#include "cli/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(CompletionTest, EveryScriptNamesEveryCommandAndFlag) {
  const auto tree = describe_command_line();
  for (const auto& shell : completion_shells()) {
    const auto script = completion_script(shell, tree);
    ASSERT_TRUE(script) << shell;
    for (const auto& command : tree.commands) {
      EXPECT_THAT(*script, HasSubstr(command.name)) << shell;
      for (const auto& flag : command.flags)
        for (const auto& name : flag.names)
          EXPECT_THAT(*script, HasSubstr(shell == "fish" ? name.substr(name.find_first_not_of('-')) : name)) << shell;
    }
  }
}

TEST(CompletionTest, OtherShellsAreRefusedByName) {
  const auto script = completion_script("tcsh", {});
  EXPECT_EQ(script.error().code, errc::bad_usage);
  EXPECT_THAT(script.error().what, HasSubstr("bash, zsh and fish"));
}

TEST(CompletionTest, TheTreeIsWhatIsDeclared) {
  const auto tree = describe_command_line();
  const auto* deploy = tree.find("deploy");
  ASSERT_NE(deploy, nullptr);
  const auto flag = [&](std::string_view name) {
    for (const auto& each : deploy->flags)
      if (each.names.back() == name)
        return each;
    ADD_FAILURE() << name;
    return flag_description{};
  };

  EXPECT_EQ(deploy->arguments.size(), 1u);
  EXPECT_EQ(deploy->arguments[0].value, value_kind::file);
  EXPECT_EQ(flag("--no-route").value, value_kind::none);
  EXPECT_EQ(flag("--name").value, value_kind::text);
  EXPECT_THAT(flag("--runtime").choices, ElementsAre("native", "nodejs", "python3"));
  EXPECT_EQ(flag("--json").value, value_kind::none) << "flags of every command count as its own";
  EXPECT_THAT(tree.find("logs")->flags[1].names, ElementsAre("-f", "--follow"));
  EXPECT_EQ(tree.find("fly"), nullptr);
}

TEST(CompletionTest, QuotesSurviveTheShells) {
  EXPECT_EQ(in_single_quotes("it's"), "'it'\\''s'");
  EXPECT_EQ(short_help("Route key, such as 'GET /'; may be repeated (default: none)"), "Route key, such as 'GET /'");
  EXPECT_EQ(joined({"a", "b"}, "|"), "a|b");
}
