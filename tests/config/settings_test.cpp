#include "config/settings.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

using namespace troupe;

TEST(SettingsTest, EachDefaultIsWithinItsOwnBoundsAndComesBackAsItIsPrinted) {
  for (const auto& each : all_settings()) {
    const auto text = each.print(each.rule, settings{});
    if (text.empty())
      continue;
    settings read_back;
    EXPECT_TRUE(each.read(each.rule, {text}, read_back)) << each.key << " = " << text;
    EXPECT_EQ(each.print(each.rule, read_back), text) << each.key;
  }
}

TEST(SettingsTest, KeysAndVariablesAreUniqueAndSayWhy) {
  std::set<std::string> names;
  for (const auto& each : all_settings()) {
    EXPECT_TRUE(names.insert(environment_name(each.key)).second) << each.key;
    EXPECT_EQ(find_setting(each.key), &each);
    EXPECT_FALSE(each.reason.empty()) << each.key;
    EXPECT_FALSE(allowed_text(each.rule).empty()) << each.key;
  }
  EXPECT_EQ(find_setting("nothing"), nullptr);
  EXPECT_EQ(environment_name("edge.max_head_bytes"), "TROUPE_EDGE_MAX_HEAD_BYTES");
  EXPECT_EQ(flag_name("data_dir"), "--data-dir");
}

TEST(SettingsTest, SaysWhatIsAllowed) {
  EXPECT_EQ(allowed_text(find_setting("log.level")->rule), "debug, info, warning or error");
  EXPECT_EQ(allowed_text(find_setting("edge.max_head_bytes")->rule), "1KiB to 64KiB (as 65536, 64KiB or 10MB)");
  EXPECT_EQ(allowed_text(find_setting("drain.announce")->rule), "0 to 15m (as 500ms, 3s, 10m or 1h)");
}

TEST(SettingsTest, EachSettingHasAUnitAndASection) {
  for (const auto& each : all_settings()) {
    EXPECT_FALSE(unit_text(each.rule).empty()) << each.key;
    EXPECT_FALSE(section_of(each.key).empty()) << each.key;
  }
  EXPECT_EQ(unit_text(find_setting("edge.max_fields")->rule), "fields");
  EXPECT_EQ(unit_text(find_setting("drain.idle")->rule), "time");
  EXPECT_EQ(section_of("edge.idle_timeout"), "Clients");
  EXPECT_EQ(section_of("idle_timeout"), "Functions");
  EXPECT_EQ(section_of("name"), "Node");
}

TEST(SettingsTest, OneValueIsTakenOverAndNoOther) {
  settings from;
  from.edge.max_fields = 9;
  from.drain.idle = seconds{1};
  settings to;
  find_setting("edge.max_fields")->take(from, to);
  EXPECT_EQ(to.edge.max_fields, 9u);
  EXPECT_EQ(to.drain.idle, settings{}.drain.idle);
}

TEST(SettingValuesTest, Durations) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds{500});
  EXPECT_EQ(parse_duration("3s"), milliseconds{3000});
  EXPECT_EQ(parse_duration("10m"), milliseconds{600'000});
  EXPECT_EQ(parse_duration("1h"), milliseconds{3'600'000});
  EXPECT_EQ(parse_duration("0"), milliseconds{0});
  for (const std::string bad :
       {"", "5", "s", "-1s", "1.5s", "1 s", "3S", "3sec", "9223372036854775807s", "99999999999999999999ms"})
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  EXPECT_EQ(duration_text(milliseconds{90'000}), "90s");
  EXPECT_EQ(duration_text(milliseconds{1500}), "1500ms");
}

TEST(SettingValuesTest, Sizes) {
  EXPECT_EQ(parse_bytes("65536"), 65536u);
  EXPECT_EQ(parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(parse_bytes("10MB"), 10'000'000u);
  EXPECT_EQ(parse_bytes("1GiB"), 1u << 30);
  EXPECT_EQ(parse_bytes("7B"), 7u);
  for (const std::string bad :
       {"", "KB", "-1", "+1", "0x10", "1.5MB", "64 KiB", "64kib", "18446744073709551616", "18446744073709551615KB"})
    EXPECT_EQ(parse_bytes(bad), std::nullopt) << bad;
  EXPECT_EQ(bytes_text(10'240), "10KiB");
  EXPECT_EQ(bytes_text(70'000'000), "70MB");
  EXPECT_EQ(bytes_text(6'291'557), "6291557");
}

TEST(SettingValuesTest, Endpoints) {
  EXPECT_EQ(parse_endpoint("0.0.0.0:8080"), (endpoint{"0.0.0.0", 8080}));
  EXPECT_EQ(parse_endpoint("[::1]:0"), (endpoint{"::1", 0}));
  EXPECT_EQ(parse_endpoint("localhost:65535"), (endpoint{"127.0.0.1", 65535}));
  for (const std::string bad :
       {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:000080", "::1:80",
        "[::1:80", "[]:80", "[127.0.0.1]:80", "example.com:80", "256.0.0.1:80", "127.0.0.1:80 "})
    EXPECT_EQ(parse_endpoint(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_endpoint(std::string_view{"127.0.0.1\0x:80", 14}), std::nullopt);
  EXPECT_EQ(parse_endpoint(std::string_view{"[::1\0]:80", 9}), std::nullopt);
  EXPECT_EQ(to_string(endpoint{"::1", 80}), "[::1]:80");
  EXPECT_TRUE(is_loopback({"127.9.9.9", 1}));
  EXPECT_TRUE(is_loopback({"::1", 1}));
  EXPECT_FALSE(is_loopback({"::", 1}));
  EXPECT_FALSE(is_loopback({"0.0.0.0", 1}));
}
