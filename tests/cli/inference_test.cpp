#include "cli/inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "cli/javascript_exports.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::string handler_of(const std::map<std::string, std::string>& texts) {
  package_files files;
  for (const auto& [path, text] : texts)
    files.paths.push_back(path);
  files.read = [&](const std::string& path) -> std::optional<std::string> { return texts.at(path); };
  const auto handler = infer_node_handler(files);
  if (handler)
    return *handler;
  EXPECT_EQ(handler.error().code, errc::bad_usage);
  EXPECT_THAT(handler.error().what, HasSubstr("--handler"));
  return "? " + handler.error().what;
}

constexpr const char* exporting = "exports.handler = async () => {};";

}  // namespace

TEST(InferenceTest, FindsTheModuleAsNodeDoes) {
  EXPECT_EQ(handler_of({{"index.js", exporting}, {"other.js", ""}}), "index.handler");
  EXPECT_EQ(handler_of({{"index.mjs", "export const handler = 1"}}), "index.handler");
  EXPECT_EQ(handler_of({{"index.cjs", exporting}}), "index.handler");
  EXPECT_EQ(handler_of({{"app.js", exporting}, {"node_modules/x/index.js", ""}}), "app.handler");
  EXPECT_EQ(handler_of({{"index.js", ""}, {"package.json", R"({"main":"./src/app.js"})"}, {"src/app.js", exporting}}),
            "src/app.handler");
  EXPECT_EQ(handler_of({{"package.json", R"({"main":"lib/"})"}, {"lib/index.cjs", exporting}}), "lib/index.handler");
  EXPECT_EQ(handler_of({{"package.json", R"({"main":"app"})"}, {"app.js", exporting}}), "app.handler");
  EXPECT_EQ(handler_of({{"package.json", R"({"main":"gone.js"})"}, {"index.js", exporting}}), "index.handler");
  EXPECT_EQ(handler_of({{"package.json", "not json"}, {"index.js", exporting}}), "index.handler");
}

TEST(InferenceTest, FindsTheExport) {
  EXPECT_EQ(handler_of({{"index.js", "exports.run = () => 1"}}), "index.run");
  EXPECT_EQ(handler_of({{"index.js", "exports.a = 1; exports.handler = 2"}}), "index.handler");
  EXPECT_EQ(handler_of({{"index.js", "module.exports = require('./lib/app')"}}), "index.handler");
  EXPECT_EQ(handler_of({{"index.js", "__export(x, {\n  handler: () => handler\n});"}}), "index.handler");
}

TEST(InferenceTest, AsksForWhatItCannotTell) {
  EXPECT_THAT(handler_of({{"readme.txt", ""}}), HasSubstr("neither"));
  EXPECT_THAT(handler_of({{"a.js", exporting}, {"b.js", exporting}}), HasSubstr("neither"));
  EXPECT_THAT(handler_of({{"index.js", "exports.a = 1; exports.b = 2"}}), HasSubstr("it exports a, b"));
  EXPECT_THAT(handler_of({{"index.js", "console.log(1)"}}), HasSubstr("nothing"));
  EXPECT_THAT(handler_of({{"my.app.js", exporting}}), HasSubstr("first dot"));
}

TEST(InferenceTest, TakesOnlyNamesOfFunctions) {
  EXPECT_EQ(*infer_name("hello-1_A"), "hello-1_A");
  for (const auto* stem : {"", "my app", "caf\xc3\xa9", "a.b", "/"})
    EXPECT_FALSE(infer_name(stem)) << stem;
  EXPECT_THAT(infer_name("my app").error().what, HasSubstr("--name"));
}

TEST(JavascriptExportsTest, KnowsTheUsualForms) {
  EXPECT_THAT(exported_names("exports.a = 1;\nmodule.exports.b = 2"), ElementsAre("a", "b"));
  EXPECT_THAT(exported_names("export const a = 1; export async function b() {}\nexport function* c() {}"),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(exported_names("export { x as a, b }"), ElementsAre("a", "b"));
  EXPECT_THAT(exported_names("module.exports = { a, b: 1, c() { return { d: 1 } }, async e() {}, ...rest }"),
              ElementsAre("a", "b", "c", "e"));
  EXPECT_THAT(
      exported_names("Object.defineProperty(exports, '__esModule', {}); exports.__esModule = true; exports.a = 1"),
      ElementsAre("a"));
}

TEST(JavascriptExportsTest, IgnoresCommentsStringsAndOtherObjects) {
  EXPECT_THAT(exported_names("// exports.a = 1\n/* exports.b = 1 */ 'exports.c = 1'; `exports.d = 1`"), IsEmpty());
  EXPECT_THAT(exported_names("my.exports.a = 1; if (exports.b == 1) {}"), IsEmpty());
  EXPECT_THAT(exported_names("'it\\'s exports.a = 1'; exports.b = 1"), ElementsAre("b"));
}

TEST(JavascriptExportsTest, TakesTimeThatGrowsWithTheText) {
  std::string lists;
  std::string names = "export {";
  for (int i = 0; i < 100'000; ++i) {
    lists += i % 2 == 0 ? "export {" : "exports={";
    names += "n" + std::to_string(i) + ",";
  }

  EXPECT_LE(exported_names(lists).size(), 1u);
  EXPECT_EQ(exported_names(names + "}").size(), 100'000u);
}

TEST(JavascriptExportsTest, EndsOnWhateverItIsGiven) {
  for (const std::string text : {"'", "`", "/*", "exports", "exports.", "exports.a =", "module.exports = {", "export {",
                                 "export", "export {a", "\\", "'\\", "exports = {{{{"})
    exported_names(text);
  EXPECT_THAT(exported_names(std::string(1'000'000, '{') + "exports.a = 1"), ElementsAre("a"));
}
