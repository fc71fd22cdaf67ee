// How the Python worker finds a handler, and what it says when it does not; how a generic worker becomes a function's.
#include <gmock/gmock.h>

#include "python_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(PythonShimTest, LoadsModulesOfFoldersAndTheirNeighbors) {
  serve({{"src/app.py", "import part\nfrom src import other\ndef run(event, context):\n  return [part.x, other.x]"},
         {"part.py", "x = 1"},
         {"src/other.py", "x = 2"}},
        "src/app.run");
  EXPECT_EQ(answer(), "[1, 2]");
}

TEST_F(PythonShimTest, HandlerSplitsAtTheLastDot) {
  serve({{"pack/__init__.py", ""}, {"pack/app.py", "def run(event, context):\n  return __name__"}}, "pack.app.run");
  EXPECT_EQ(answer(), R"("pack.app")");
}

TEST_F(PythonShimTest, CodeFolderComesFirstAndStaysClean) {
  serve({{"app.py",
          "import python_main, sys, os\n"
          "def handler(event, context):\n  return [python_main.mine, sys.path[0] == os.getcwd()]"},
         {"python_main.py", "mine = True"}},
        "app.handler");
  EXPECT_EQ(answer(), "[true, true]");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "__pycache__"));
  const std::filesystem::path beside{folder.path().string() + ".pycache"};
  EXPECT_TRUE(std::filesystem::exists(beside / "__pycache__"));
  std::filesystem::remove_all(beside);
}

TEST_F(PythonShimTest, RefusesHandlersWithoutFunction) {
  const auto error = load_failure(files{{"app.py", ""}}, "app");
  EXPECT_EQ(error["errorType"], "Runtime.MalformedHandlerName");
  EXPECT_EQ(error["errorMessage"], "Bad handler 'app': not enough values to unpack (expected 2, got 1)");
  EXPECT_EQ(error["requestId"], "");
  EXPECT_EQ(error["stackTrace"], json::array());
}

TEST_F(PythonShimTest, RefusesBuiltInModules) {
  EXPECT_EQ(load_failure(files{}, "sys.exit")["errorType"], "Runtime.BuiltInModuleConflict");
}

TEST_F(PythonShimTest, ReportsMissingModules) {
  const auto error = load_failure(files{{"app.py", "import left_pad"}}, "app.handler");
  EXPECT_EQ(error["errorType"], "Runtime.ImportModuleError");
  EXPECT_EQ(error["errorMessage"], "Unable to import module 'app': No module named 'left_pad'");
  EXPECT_THAT(logs.at(0).payload, StartsWith("[ERROR]\t"));
  EXPECT_THAT(logs.at(0).payload, HasSubstr("Z\t\tRuntime.ImportModuleError: Unable to import"));
}

TEST_F(PythonShimTest, ReportsAMissingFile) {
  EXPECT_EQ(load_failure(files{{"other.py", ""}}, "app.handler")["errorMessage"],
            "Unable to import module 'app': No module named 'app'");
}

TEST_F(PythonShimTest, ReportsSyntaxErrorsWithTheirPlace) {
  const auto error = load_failure("x = 1\ndef handler(:\n");
  EXPECT_EQ(error["errorType"], "Runtime.UserCodeSyntaxError");
  EXPECT_EQ(error["errorMessage"], "Syntax error in module 'app': invalid syntax (app.py, line 2)");
  EXPECT_THAT(error["stackTrace"][0].get<std::string>(), HasSubstr("app.py\" Line 2\n    def handler(:"));
}

TEST_F(PythonShimTest, ReportsAMissingFunction) {
  const auto error = load_failure("other = 1");
  EXPECT_EQ(error["errorType"], "Runtime.HandlerNotFound");
  EXPECT_EQ(error["errorMessage"], "Handler 'handler' missing on module 'app'");
}

TEST_F(PythonShimTest, ReportsWhatTheCodeRaisesWhileItLoads) {
  const auto error = load_failure("def go():\n  raise KeyError('table')\ngo()\n");
  EXPECT_EQ(error["errorType"], "KeyError");
  EXPECT_EQ(error["errorMessage"], "'table'");
  ASSERT_EQ(error["stackTrace"].size(), 2U);
  EXPECT_THAT(error["stackTrace"][0].get<std::string>(), HasSubstr("app.py\", line 3, in <module>\n    go()"));
}

TEST_F(PythonShimTest, ExitWhileLoadingIsTheProcesssOwn) {
  begin("import sys\nprint('leaving')\nsys.exit(9)");
  EXPECT_EQ(result(0).kind, frame_kind::stop);
  EXPECT_EQ(receive().kind, frame_kind::unknown);
  EXPECT_EQ(read_line(worker.output.get()), "leaving");
  EXPECT_EQ(exit_status(), 9);
}

TEST_F(PythonShimTest, GenericWorkerTakesOverTheFunctionsSurroundings) {
  starts_generic = true;
  spec.environment = {{"GREETING", "h\xc3\xa9"}, {"TZ", "America/New_York"}};
  serve(
      "import os, time, subprocess\n"
      "stem = os.environ.get('OF_THE_STEM')\n"
      "def handler(event, context):\n"
      "  shown = subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout\n"
      "  return {'env': dict(os.environ), 'stem': stem, 'cwd': os.getcwd(), 'zone': time.tzname[0],\n"
      "          'child': 'OF_THE_STEM' in shown or 'GREETING' not in shown}");
  auto seen = json::parse(answer());

  EXPECT_EQ(seen["stem"], nullptr);
  EXPECT_EQ(seen["cwd"], folder.path().string());
  EXPECT_EQ(seen["zone"], "EST");
  EXPECT_EQ(seen["child"], false);
  json expected = json::object();
  for (const auto& entry : worker_environment(spec, around))
    expected[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  seen["env"].erase("_X_AMZN_TRACE_ID");
  // Python's own doing, when the locale that the node names is not there.
  if (!expected.contains("LC_CTYPE"))
    seen["env"].erase("LC_CTYPE");
  EXPECT_EQ(seen["env"], expected);
}

}  // namespace troupe::functions::testing
