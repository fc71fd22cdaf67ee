// How the Node.js worker finds a handler, and what it says when it does not.
#include <gmock/gmock.h>

#include "node_shim_fixture.hpp"

namespace troupe::functions::testing {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(NodeShimTest, LoadsCommonJs) {
  serve("exports.handler = async (event) => ({ got: event.x });");
  EXPECT_EQ(answer({{"x", 1}}), R"({"got":1})");
}

TEST_F(NodeShimTest, LoadsNestedExportsFromFolders) {
  serve({{"src/app.js", "exports.api = { get: async () => require('./part').value };"},
         {"src/part.js", "exports.value = 'part';"}},
        "src/app.api.get");
  EXPECT_EQ(answer(), R"("part")");
}

TEST_F(NodeShimTest, LoadsMjsWithTopLevelAwait) {
  serve({{"index.mjs", "const word = await Promise.resolve('esm'); export const handler = async () => word;"}});
  EXPECT_EQ(answer(), R"("esm")");
}

TEST_F(NodeShimTest, LoadsCjs) {
  serve({{"index.cjs", "exports.handler = async () => 'cjs';"}});
  EXPECT_EQ(answer(), R"("cjs")");
}

TEST_F(NodeShimTest, LoadsJsOfAModulePackage) {
  serve({{"package.json", R"({"type":"module"})"},
         {"lib/index.js", "import { basename } from 'node:path'; export const handler = async () => basename('a/b');"}},
        "lib/index.handler");
  EXPECT_EQ(answer(), R"("b")");
}

TEST_F(NodeShimTest, LoadsExtensionlessFilesFoldersAndPackages) {
  serve({{"plain", "exports.handler = async () => 'plain';"}}, "plain.handler");
  EXPECT_EQ(answer(), R"("plain")");
}

TEST_F(NodeShimTest, LoadsFoldersWithAnIndex) {
  serve({{"app/index.js", "exports.handler = async () => 'folder';"}}, "app.handler");
  EXPECT_EQ(answer(), R"("folder")");
}

TEST_F(NodeShimTest, LoadsPackagesByName) {
  serve({{"node_modules/pack/index.js", "exports.handler = async () => 'package';"}}, "pack.handler");
  EXPECT_EQ(answer(), R"("package")");
}

TEST_F(NodeShimTest, GenericWorkerTakesOverTheFunctionsSurroundings) {
  starts_generic = true;
  spec.environment = {{"GREETING", "h\xc3\xa9"}, {"TZ", "America/New_York"}};
  serve(R"(const stem = process.env.OF_THE_STEM ?? null;
    const { execFileSync } = require('child_process');
    exports.handler = async () => ({
      env: { ...process.env }, stem, cwd: process.cwd(), hours: new Date(Date.UTC(2026, 0, 1, 12)).getHours(),
      child: execFileSync('/usr/bin/env').toString().includes('OF_THE_STEM') });)");
  auto seen = nlohmann::json::parse(answer());

  EXPECT_EQ(seen["stem"], nullptr);
  EXPECT_EQ(seen["cwd"], folder.path().string());
  EXPECT_EQ(seen["hours"], 7);
  EXPECT_EQ(seen["child"], false);
  auto expected = nlohmann::json::object();
  for (const auto& entry : worker_environment(spec, around))
    expected[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
  EXPECT_EQ(seen["env"], expected);
}

TEST_F(NodeShimTest, RefusesHandlersThatLeadUpwards) {
  const auto error = load_failure({}, "../index.handler");
  EXPECT_EQ(error["errorType"], "Runtime.MalformedHandlerName");
  EXPECT_EQ(error["errorMessage"],
            "'../index.handler' is not a valid handler name. Use absolute paths when specifying "
            "root directories in handler names.");
}

TEST_F(NodeShimTest, RefusesHandlersWithoutExport) {
  const auto error = load_failure({{"index.js", ""}}, "index");
  EXPECT_EQ(error["errorType"], "Runtime.MalformedHandlerName");
  EXPECT_EQ(error["errorMessage"], "Bad handler");
}

TEST_F(NodeShimTest, ReportsSyntaxErrorsWithTheirPlace) {
  const auto error = load_failure({{"index.js", "exports.handler = async () => {\n  const = 1;\n};"}});
  EXPECT_EQ(error["errorType"], "Runtime.UserCodeSyntaxError");
  EXPECT_EQ(error["errorMessage"], "SyntaxError: Unexpected token '='");
  EXPECT_EQ(error["trace"][0], "Runtime.UserCodeSyntaxError: SyntaxError: Unexpected token '='");
  EXPECT_THAT(error["trace"][1].get<std::string>(), HasSubstr("index.js:2"));
  EXPECT_THAT(logs.at(0).payload, HasSubstr("\tundefined\tERROR\tUncaught Exception \t{\"errorType\":\"Runtime.User"));
}

TEST_F(NodeShimTest, ReportsSyntaxErrorsOfModules) {
  const auto error = load_failure({{"index.mjs", "export const handler = async () => { const = 1; };"}});
  EXPECT_EQ(error["errorType"], "Runtime.UserCodeSyntaxError");
}

TEST_F(NodeShimTest, ReportsMissingModules) {
  const auto error = load_failure({{"index.js", "require('left-pad');"}});
  EXPECT_EQ(error["errorType"], "Runtime.ImportModuleError");
  EXPECT_THAT(error["errorMessage"].get<std::string>(),
              StartsWith("Error: Cannot find module 'left-pad'\nRequire stack:\n- " + folder.path().string()));
}

TEST_F(NodeShimTest, ReportsAMissingFile) {
  const auto error = load_failure({{"other.js", ""}});
  EXPECT_EQ(error["errorType"], "Runtime.ImportModuleError");
  EXPECT_THAT(error["errorMessage"].get<std::string>(), StartsWith("Error: Cannot find module 'index'"));
}

TEST_F(NodeShimTest, ReportsMissingImports) {
  const auto error = load_failure({{"index.mjs", "import 'left-pad'; export const handler = async () => 1;"}});
  EXPECT_EQ(error["errorType"], "Runtime.ImportModuleError");
}

TEST_F(NodeShimTest, ReportsAMissingExport) {
  const auto error = load_failure({{"index.js", "exports.other = async () => 1;"}});
  EXPECT_EQ(error["errorType"], "Runtime.HandlerNotFound");
  EXPECT_EQ(error["errorMessage"], "index.handler is undefined or not exported");
}

TEST_F(NodeShimTest, ReportsAnExportThatIsNoFunction) {
  const auto error = load_failure({{"index.js", "exports.handler = { a: 1 };"}});
  EXPECT_EQ(error["errorType"], "Runtime.HandlerNotFound");
  EXPECT_EQ(error["errorMessage"], "index.handler is not a function");
}

TEST_F(NodeShimTest, ReportsWhatTheCodeThrowsWhileItLoads) {
  const auto error = load_failure({{"index.js", "console.log('about to'); throw new TypeError('no table');"}});
  EXPECT_EQ(error["errorType"], "TypeError");
  EXPECT_EQ(error["errorMessage"], "no table");
  EXPECT_THAT(logs.at(0).payload, HasSubstr("\tundefined\tINFO\tabout to"));
}

TEST_F(NodeShimTest, ExitWhileLoadingIsTheProcesssOwn) {
  begin({{"index.js", "console.log('leaving'); process.exit(9);"}});
  EXPECT_EQ(receive().kind, frame_kind::log);
  EXPECT_EQ(receive().kind, frame_kind::unknown);
  EXPECT_EQ(exit_status(), 9);
}

TEST_F(NodeShimTest, RejectionWhileLoadingFailsTheLoad) {
  begin({{"index.mjs", "Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 60000));"}});
  const auto frame = result(0);
  EXPECT_EQ(frame.kind, frame_kind::error);
  EXPECT_EQ(frame.text, "Runtime.UnhandledPromiseRejection");
  EXPECT_EQ(exit_status(), 128);
}

}  // namespace troupe::functions::testing
