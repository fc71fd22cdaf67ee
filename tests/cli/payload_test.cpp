#include "cli/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::cli;
using testing::HasSubstr;

namespace {

std::string fault_of(const std::string& source) {
  const auto payload = read_payload(source);
  return payload ? "" : payload.error().what;
}

}  // namespace

TEST(PayloadTest, EveryJsonValueIsOne) {
  for (const auto* text : {"{}", "[1,2]", "\"text\"", "0", "-1.5e3", "null", "true", " {\"a\": [ ]} \n"})
    EXPECT_EQ(*read_payload(text), text);
}

TEST(PayloadTest, FaultsHaveAPosition) {
  EXPECT_THAT(fault_of("{\"a\":1,}"), HasSubstr("not JSON at line 1, column 8"));
  EXPECT_THAT(fault_of("{\n  'a': 1}"), HasSubstr("line 2, column 3"));
  EXPECT_THAT(fault_of(""), HasSubstr("line 1, column 1"));
  EXPECT_THAT(fault_of("{} {}"), HasSubstr("column 4"));
  EXPECT_THAT(fault_of("\"\xff\""), HasSubstr("UTF-8"));
  EXPECT_THAT(fault_of("hello"), testing::Not(HasSubstr("\n")));
  EXPECT_EQ(read_payload("{").error().code, errc::bad_usage);
}

TEST(PayloadTest, NestingCostsNoStack) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(fault_of(deep), HasSubstr("column 1000001"));
}

TEST(PayloadTest, FilesAreReadWhole) {
  const tests::temp_folder folder;
  const auto path = std::filesystem::path{folder.path()} / "event.json";
  std::ofstream{path} << "{\"a\": 1}\n";

  EXPECT_EQ(*read_payload("@" + path.native()), "{\"a\": 1}\n");
  EXPECT_EQ(read_payload("@/nowhere/at/all").error().code, errc::io);
  EXPECT_THAT(fault_of("@/nowhere/at/all"), HasSubstr("/nowhere/at/all"));
}

TEST(PayloadTest, TheLimitIsSaidBeforeAnythingIsSent) {
  const auto filled = [](std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; };
  EXPECT_TRUE(read_payload(filled(max_payload_bytes)));
  EXPECT_EQ(read_payload(filled(max_payload_bytes + 1)).error().code, errc::too_big);
  EXPECT_THAT(fault_of(filled(max_payload_bytes + 1)), HasSubstr("6 MB"));
  const tests::temp_folder folder;
  const auto path = std::filesystem::path{folder.path()} / "big.json";
  std::ofstream{path} << filled(max_payload_bytes + 1);
  EXPECT_THAT(fault_of("@" + path.native()), HasSubstr("6 MB"));
}
