#include "cli/console.hpp"

#include <gtest/gtest.h>

using namespace troupe::cli;

TEST(ConsoleTest, TablesForPeopleAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(table({"NAME", "ROUTE"}, {{"a", "GET /"}, {"caf\xc3\xa9-bar", "-"}}, 80),
            "NAME      ROUTE\n"
            "a         GET /\n"
            "caf\xc3\xa9-bar  -\n");
  EXPECT_EQ(table({"NAME", "ROUTE"}, {}, 80), "NAME  ROUTE\n");
}

TEST(ConsoleTest, TablesForProgramsHaveTabsAndAreNeverCut) {
  const std::string routes(500, 'r');
  EXPECT_EQ(table({"NAME", "ROUTE"}, {{"a", "GET /"}, {"longer", routes}}, 0),
            "NAME\tROUTE\na\tGET /\nlonger\t" + routes + "\n");
}

TEST(ConsoleTest, TheLastColumnEndsWhereTheTerminalDoes) {
  EXPECT_EQ(table({"NAME", "ROUTES"}, {{"one", "GET /a, GET /b"}}, 14),
            "NAME  ROUTES\n"
            "one   GET /a,\xe2\x80\xa6\n");
  EXPECT_EQ(table({"NAME", "ROUTES"}, {{"one", "GET /a, GET /b"}}, 20).find("\xe2\x80\xa6"), std::string::npos);
  EXPECT_EQ(table({"NAME", "ROUTES"}, {{"one", "GET /a, GET /b"}}, 3).find("\xe2\x80\xa6"), std::string::npos)
      << "nothing is gained by cutting when the other columns do not fit";
}

TEST(ConsoleTest, CellsCannotMoveTheCursor) {
  EXPECT_EQ(table({"A"}, {{"x\033[2Jy\nz\t"}}, 0), "A\nx?[2Jy?z?\n");
}

TEST(ConsoleTest, AgesAreWholeUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(human_age(-5s), "0s");
  EXPECT_EQ(human_age(59'999ms), "59s");
  EXPECT_EQ(human_age(61s), "1m");
  EXPECT_EQ(human_age(25h), "25h");
  EXPECT_EQ(human_age(24h * 40), "40d");
}

TEST(ConsoleTest, SizesAreRounded) {
  EXPECT_EQ(human_bytes(0), "0 bytes");
  EXPECT_EQ(human_bytes(1), "1 byte");
  EXPECT_EQ(human_bytes(1023), "1023 bytes");
  EXPECT_EQ(human_bytes(1536), "1.5 KB");
  EXPECT_EQ(human_bytes(110 * 1024 * 1024), "110 MB");
}

TEST(ConsoleTest, ErrorsOfHandlersAreReadable) {
  const std::string payload = R"json({"errorType":"E","errorMessage":"E: boom",
      "trace":["R: E: boom","/f.js:2","","    at f (/f.js:2:1)","    at x (node:internal/y:1)"]})json";
  EXPECT_EQ(readable("did not start: " + payload), "did not start: E: boom\n  /f.js:2\n      at f (/f.js:2:1)");
  EXPECT_EQ(readable("route 'GET /{id}' is held"), "route 'GET /{id}' is held");
  EXPECT_EQ(readable("{\"errorMessage\":1}"), "{\"errorMessage\":1}");
}
