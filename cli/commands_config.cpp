// `troupe config`: what a file says, what a node runs with, and having it read its file again.
#include <algorithm>
#include <cstdio>

#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/configuring.hpp"
#include "cli/console.hpp"
#include "http/settings_view.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

int report_usage(const client_options& client, std::string what) {
  return report(client, failure_of(error{errc::bad_usage, std::move(what)}));
}

void say_faults(const std::vector<setting_fault>& faults) {
  for (const auto& fault : faults)
    std::fprintf(stderr, "troupe: %s\n", fault.what.c_str());
}

std::size_t written_in_file(const loaded_settings& loaded) {
  return static_cast<std::size_t>(
      std::count_if(loaded.places.begin(), loaded.places.end(),
                    [](const setting_place& place) { return place.kind == setting_place::kind_type::file; }));
}

/// Exit code 2, as `serve` would have, when something is wrong.
int check_file(const client_options& client, const config_options& options) {
  if (!options.file)
    return report_usage(client, "config check needs the file: troupe config check FILE");
  auto flags = options.node;
  flags.config = options.file;
  const auto loaded = read_settings(flags, environment_use::ignored);
  const auto count = written_in_file(loaded);
  if (client.json)
    print_json(json::parse(http::check_body(*options.file, count, loaded.faults)));
  else if (loaded.faults.empty())
    std::printf("%s: %zu %s, nothing is wrong\n", options.file->c_str(), count, count == 1 ? "setting" : "settings");
  else
    say_faults(loaded.faults);
  return loaded.faults.empty() ? exit_done : exit_usage;
}

std::string source_of(const json& setting) {
  const auto source = setting.value("source", json::object());
  const auto kind = text_of(source, "kind");
  std::string text = kind.empty() ? "-" : kind;
  if (kind == "file")
    text = text_or_dash(source, "path") + ":" + number(source, "line");
  else if (kind == "environment")
    text += " " + text_or_dash(source, "variable");
  else if (kind == "flag")
    text += " " + text_or_dash(source, "flag");
  if (setting.contains("reloaded_unix_ms") && setting["reloaded_unix_ms"].is_number())
    text += ", reloaded";
  if (setting.contains("after_restart") && setting["after_restart"].is_string())
    text += ", after a restart " + text_or_dash(setting, "after_restart");
  return text;
}

table_row row_of(const json& setting) {
  const auto effective = text_of(setting, "effective");
  return {text_or_dash(setting, "key"), text_or_dash(setting, "value") + (effective.empty() ? "" : " = " + effective),
          text_or_dash(setting, "unit"), text_or_dash(setting, "default"), source_of(setting)};
}

void print_settings(const json& answer) {
  std::vector<table_row> rows;
  for (const auto& setting : answer.value("settings", json::array()))
    rows.push_back(row_of(setting));
  print_table({"SETTING", "VALUE", "UNIT", "DEFAULT", "SOURCE"}, rows);
}

/// Of a node that would be started so.
int show_flags(const client_options& client, const serve_options& flags) {
  const auto loaded = read_settings(flags, environment_use::counts);
  if (!loaded.faults.empty()) {
    if (client.json)
      std::fputs(http::faults_error_body(loaded.faults).c_str(), stderr);
    else
      say_faults(loaded.faults);
    return exit_usage;
  }
  const auto body = json::parse(http::settings_body(http::view_of(loaded, flags.config)));
  if (client.json)
    print_json(body);
  else
    print_settings(body);
  return exit_done;
}

int show_node(const client_options& client) {
  return ask_node(
      client, [](admin_client& node) { return node.get("/v1/config"); }, print_settings);
}

void print_reload(const json& answer) {
  const auto differences = [](const json& list) {
    for (const auto& each : list)
      std::printf("  %s: %s -> %s\n", text_or_dash(each, "key").c_str(), text_or_dash(each, "from").c_str(),
                  text_or_dash(each, "to").c_str());
  };
  const auto changed = answer.value("changed", json::array());
  const auto waiting = answer.value("needs_restart", json::array());
  std::printf(changed.empty() ? "%s: nothing changed\n" : "%s: changed\n", text_or_dash(answer, "file").c_str());
  differences(changed);
  if (!waiting.empty())
    std::puts("needs a restart:");
  differences(waiting);
}

int reload_node(const client_options& client) {
  return ask_node(
      client, [](admin_client& node) { return node.post("/v1/config/reload", json::object()); }, print_reload);
}

}  // namespace

int config(const client_options& client, const config_options& options) {
  if (options.action == "check")
    return check_file(client, options);
  if (options.file)
    return report_usage(client,
                        "config " + options.action + " takes no file" +
                            (options.action == "show" ? "; --config FILE shows what a node would run with" : ""));
  const bool asks_no_node = options.node.config || !options.node.settings.empty();
  if (options.action == "reload")
    return asks_no_node ? report_usage(client,
                                       "config reload takes neither --config nor --set: the node reads the file "
                                       "that it was started with")
                        : reload_node(client);
  return asks_no_node ? show_flags(client, options.node) : show_node(client);
}

}  // namespace troupe::cli
