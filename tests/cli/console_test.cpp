#include "cli/console.hpp"

#include <gtest/gtest.h>

using namespace troupe::cli;

TEST(ConsoleTest, TablesAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(table({"NAME", "ROUTE"}, {{"a", "GET /"}, {"caf\xc3\xa9-bar", "-"}}),
            "NAME      ROUTE\n"
            "a         GET /\n"
            "caf\xc3\xa9-bar  -\n");
  EXPECT_EQ(table({"NAME", "ROUTE"}, {}), "NAME  ROUTE\n");
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
