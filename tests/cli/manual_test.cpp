#include "cli/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/command_line.hpp"
#include "config/settings.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::HasSubstr;
using testing::Not;

namespace {

command_tree tree_with(const std::string& text) {
  command_tree tree;
  tree.commands.push_back({"fly", text, {{{"-w", "--wing-count"}, text, value_kind::text, {}, "N"}}, {}, text});
  return tree;
}

}  // namespace

TEST(ManualTest, TextIsNeverAFormattersRequest) {
  const auto page = manual_page(tree_with(".SH NOT A HEADING\n'quoted' back\\slash `tick` ~ ^"));
  EXPECT_THAT(page, Not(HasSubstr("\n.SH NOT")));
  EXPECT_THAT(page, HasSubstr("\\&.SH NOT A HEADING\n\\&\\(aqquoted\\(aq back\\eslash \\(gatick\\(ga \\(ti \\(ha"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-w\\fR, \\fB\\-\\-wing\\-count\\fR \\fIN\\fR\n"));
}

TEST(ManualTest, EverySettingIsInThePageAndInTheDocument) {
  const auto page = manual_page(describe_command_line());
  const auto document = settings_document();
  for (const auto& each : all_settings()) {
    EXPECT_THAT(page, HasSubstr("\\fB" + std::string{each.key} + "\\fR (default: ")) << each.key;
    EXPECT_THAT(document, HasSubstr("\n| `" + std::string{each.key} + "` | ")) << each.key;
    EXPECT_THAT(document, HasSubstr("\n## " + std::string{section_of(each.key)} + "\n"));
  }
}

TEST(ManualTest, TablesHaveAsManyCellsAsTheirHeads) {
  std::istringstream lines{settings_document()};
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(line.ends_with(' ')) << line;
    if (!line.starts_with("|"))
      continue;
    std::size_t bars = 0;
    for (std::size_t at = 0; at < line.size(); ++at)
      bars += line[at] == '|' && (at == 0 || line[at - 1] != '\\') ? 1 : 0;
    EXPECT_EQ(bars, 7u) << line;
  }
}
