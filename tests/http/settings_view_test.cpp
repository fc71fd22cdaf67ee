#include "http/settings_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

using namespace troupe;
using namespace troupe::http;
using nlohmann::json;

namespace {

json setting_of(const json& body, std::string_view key) {
  for (const auto& each : body.at("settings"))
    if (each.at("key") == key)
      return each;
  return nullptr;
}

}  // namespace

TEST(SettingsViewTest, SaysOfEachSettingWhatItIsAndWhereItIsFrom) {
  const auto loaded = load_all({{}, {"TROUPE_LOOPS=2"}, {{"edge.max_fields", "50"}}});
  auto view = view_of(loaded, "/etc/troupe.yaml");
  for (auto& each : view.settings)
    if (each.what->key == "loops") {
      each.effective = "3";
      each.reloaded_unix_ms = 7;
      each.after_restart = "4";
    }

  const auto body = json::parse(settings_body(view));

  EXPECT_EQ(body["file"], "/etc/troupe.yaml");
  EXPECT_EQ(body["settings"].size(), all_settings().size());
  const auto fields = setting_of(body, "edge.max_fields");
  EXPECT_EQ(fields["value"], "50");
  EXPECT_EQ(fields["default"], "100");
  EXPECT_EQ(fields["unit"], "fields");
  EXPECT_EQ(fields["allowed"], "8 to 1000");
  EXPECT_EQ(fields["reloadable"], true);
  EXPECT_EQ(fields["source"], json({{"kind", "flag"}, {"flag", "--edge-max-fields"}}));
  EXPECT_EQ(fields["effective"], nullptr);
  const auto loops = setting_of(body, "loops");
  EXPECT_EQ(loops["source"], json({{"kind", "environment"}, {"variable", "TROUPE_LOOPS"}}));
  EXPECT_EQ(loops["effective"], "3");
  EXPECT_EQ(loops["reloaded_unix_ms"], 7);
  EXPECT_EQ(loops["after_restart"], "4");
  EXPECT_EQ(loops["reloadable"], false);
  EXPECT_EQ(setting_of(body, "name")["source"], json({{"kind", "default"}}));
  EXPECT_EQ(json::parse(settings_body(view_of(loaded, {})))["file"], nullptr);
}

TEST(SettingsViewTest, FaultsAreForProgramsToo) {
  const std::vector<setting_fault> faults{
      {"loops", {setting_place::kind_type::file, "t.yaml", 3}, "many", "0 to 256", {}, "loops = 'many'"},
      {{}, {setting_place::kind_type::file, "t.yaml", 0}, {}, {}, {}, "cannot be read \xff"}};

  const auto body = json::parse(faults_error_body(faults));

  EXPECT_EQ(body["error"]["code"], "bad_setting");
  EXPECT_EQ(body["error"]["message"], "loops = 'many'");
  const auto& first = body["error"]["faults"][0];
  EXPECT_EQ(first["source"], json({{"kind", "file"}, {"path", "t.yaml"}, {"line", 3}}));
  EXPECT_EQ(first["allowed"], "0 to 256");
  EXPECT_EQ(first["did_you_mean"], nullptr);
  EXPECT_EQ(body["error"]["faults"][1]["source"]["line"], nullptr);
  const auto check = json::parse(check_body("t.yaml", 5, faults));
  EXPECT_EQ(check["valid"], false);
  EXPECT_EQ(check["settings"], 5);
  EXPECT_EQ(check["faults"].size(), 2u);
}

TEST(SettingsViewTest, AReloadSaysWhatChangedAndWhatWaits) {
  const auto body = json::parse(
      reload_body({"t.yaml", {{{"log.level", "info", "debug"}}, {{"loops", "1", "2"}, {"name", "", "a"}}}}));

  EXPECT_EQ(body["file"], "t.yaml");
  EXPECT_EQ(body["changed"], json::array({{{"key", "log.level"}, {"from", "info"}, {"to", "debug"}}}));
  EXPECT_EQ(body["needs_restart"].size(), 2u);
}
