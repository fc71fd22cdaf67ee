#include "cli/python_inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

using namespace troupe;
using namespace troupe::cli;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

using texts = std::map<std::string, std::string>;

package_files files_of(const texts& all) {
  package_files files;
  for (const auto& [path, text] : all)
    files.paths.push_back(path);
  files.read = [&all](const std::string& path) -> std::optional<std::string> { return all.at(path); };
  return files;
}

std::string handler_of(const texts& all) {
  const auto handler = infer_python_handler(files_of(all));
  return handler ? *handler : "? " + handler.error().what;
}

/// `RUNTIME HANDLER`, or a question mark and what is asked.
std::string code_of(const texts& all, const std::optional<std::string>& handler = {}) {
  const auto code = infer_code(files_of(all), handler);
  return code ? code->runtime + " " + code->handler : "? " + code.error().what;
}

constexpr const char* plain = "def handler(event, context):\n    return {}\n";
constexpr const char* aws = "import json\n\ndef lambda_handler(event, context):\n    return {}\n";
constexpr const char* script = "exports.handler = async () => {};";

}  // namespace

TEST(PythonInferenceTest, FindsTheUsualFilesAndFunctions) {
  for (const auto* module : {"app", "lambda_function", "handler", "main", "index", "anything"}) {
    EXPECT_EQ(handler_of({{std::string{module} + ".py", plain}}), std::string{module} + ".handler");
    EXPECT_EQ(handler_of({{std::string{module} + ".py", aws}}), std::string{module} + ".lambda_handler");
  }
  EXPECT_EQ(handler_of({{"app.py", plain}, {"main.py", aws}}), "app.handler");
  EXPECT_EQ(handler_of({{"app.py", "import x"}, {"main.py", aws}}), "main.lambda_handler");
  EXPECT_EQ(handler_of({{"app.py", plain}, {"lib/app.py", aws}, {"tool.py", aws}}), "app.handler");
  EXPECT_EQ(handler_of({{"app.py", std::string{plain} + aws}}), "app.lambda_handler");
}

TEST(PythonInferenceTest, AsksForWhatItCannotTell) {
  EXPECT_THAT(handler_of({{"readme.txt", ""}}), HasSubstr("lambda_function.py"));
  EXPECT_THAT(handler_of({{"a.py", plain}, {"b.py", plain}}), HasSubstr("nor a single other"));
  EXPECT_THAT(handler_of({{"app.py", "def run(): pass\nstop = 1\n"}}), HasSubstr("but run, stop"));
  EXPECT_THAT(handler_of({{"app.py", "async def handler(event, context): pass\n"}}), HasSubstr("--handler"));
  EXPECT_THAT(handler_of({{"my.app.py", plain}}), HasSubstr("dot"));
}

TEST(PythonInferenceTest, TellsTheRuntimeByTheHandlers) {
  EXPECT_EQ(code_of({{"app.py", plain}}), "python3 app.handler");
  EXPECT_EQ(code_of({{"index.js", script}}), "nodejs index.handler");
  EXPECT_EQ(code_of({{"app.py", plain}, {"package.json", "{}"}}), "python3 app.handler");
  EXPECT_EQ(code_of({{"index.js", script}, {"deploy.py", "print(1)"}}), "nodejs index.handler");
  EXPECT_THAT(code_of({{"index.js", script}, {"app.py", plain}}), HasSubstr("--runtime python3"));
  EXPECT_THAT(code_of({{"app.py", "x = 1"}}), HasSubstr("'app.py'"));
  EXPECT_THAT(code_of({{"index.js", "exports.a = 1; exports.b = 2"}}), HasSubstr("a, b"));
  EXPECT_THAT(code_of({{"readme.txt", ""}}), HasSubstr("--runtime"));
}

TEST(PythonInferenceTest, AGivenHandlerTellsTheRuntimeByItsFile) {
  EXPECT_EQ(code_of({{"src/app.py", aws}}, "src.app.run"), "python3 src.app.run");
  EXPECT_EQ(code_of({{"src/app.py", aws}, {"x.js", ""}}, "src/app.run"), "python3 src/app.run");
  EXPECT_EQ(code_of({{"shop/__init__.py", aws}, {"x.js", ""}}, "shop.run"), "python3 shop.run");
  EXPECT_EQ(code_of({{"app.js", script}, {"x.py", ""}}, "app.api.get"), "nodejs app.api.get");
  EXPECT_EQ(code_of({{"readme.txt", ""}}, "index.handler"), "nodejs index.handler");
  EXPECT_THAT(code_of({{"app.js", script}, {"app.py", plain}}, "app.handler"), HasSubstr("--runtime"));
}

TEST(PythonInferenceTest, NamesAreThoseAtTheMargin) {
  EXPECT_THAT(python_names("def a(x):\n  def b(): pass\nclass C: pass\nc = wrap(a)\nd == 1\ndef e (y): pass\n"),
              ElementsAre("a", "c", "e"));
  EXPECT_THAT(
      python_names("\"\"\"\ndef handler(): doc\n\"\"\"\n'''x''' # '''\n# def handler()\nx = \"'''\"\ndef y(): 1"),
      ElementsAre("x", "y"));
  EXPECT_THAT(python_names("def \ndef (\ndefine(x)\n=\n"), IsEmpty());
}

TEST(PythonInferenceTest, EndsOnWhateverItIsGiven) {
  for (const std::string text : {"\"", "'''", "'\\", "def", "def a", "\n\n", "\\", "\xff\xfe"})
    python_names(text);
  EXPECT_THAT(python_names(std::string(1'000'000, '\'') + "\ndef a(): pass"), testing::SizeIs(testing::Le(1)));
}

TEST(PythonInferenceTest, RequirementsCountAsInstalledWithTheirMetadata) {
  EXPECT_TRUE(lacks_requirements(files_of({{"app.py", ""}, {"requirements.txt", "requests"}})));
  EXPECT_FALSE(lacks_requirements(files_of({{"app.py", ""}})));
  EXPECT_FALSE(lacks_requirements(files_of({{"requirements.txt", ""}, {"requests-2.31.dist-info/METADATA", ""}})));
}
