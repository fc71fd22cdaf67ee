#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/inference.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// `READY/MIN/MAX`; no maximum is a dash.
std::string instances_of(const json& function) {
  const auto counts = function.value("instances", json::object());
  const auto most = number(function, "max_instances");
  return number(counts, "ready") + "/" + number(function, "min_instances") + "/" + (most == "0" ? "-" : most);
}

std::string timeout_of(const json& function) {
  const auto length_ms = function.value("timeout_ms", std::uint64_t{0});
  return length_ms % 1000 == 0 ? std::to_string(length_ms / 1000) + "s" : std::to_string(length_ms) + "ms";
}

std::string age_of(const json& function) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const milliseconds modified{function.value("modified_unix_ms", std::int64_t{0})};
  if (modified.count() == 0)
    return "-";  // part of the node's program: it was not deployed
  return human_age(std::chrono::duration_cast<milliseconds>(now) - modified);
}

table_row row_of(const json& function) {
  return {text_or_dash(function, "name"),
          text_or_dash(function, "runtime"),
          number(function, "version"),
          instances_of(function),
          number(function, "memory_mb") + "MB",
          timeout_of(function),
          age_of(function),
          list_or_dash(function, "routes")};
}

}  // namespace

bool refuse_name(const client_options& client, const std::string& name, int& code) {
  const bool good = infer_name(name).has_value();
  if (!good)
    code = report(client, failure_of(error{errc::bad_usage, "'" + name +
                                                                "' is no name of a function: allowed are 1 to 64 "
                                                                "of a-z A-Z 0-9 - _"}));
  return !good;
}

int list(const client_options& client) {
  return ask_node(
      client, [](admin_client& node) { return node.get("/v1/functions"); },
      [](const json& answer) {
        std::vector<table_row> rows;
        for (const auto& function : answer.value("functions", json::array()))
          rows.push_back(row_of(function));
        print_table({"FUNCTION", "RUNTIME", "VERSION", "READY/MIN/MAX", "MEMORY", "TIMEOUT", "AGE", "ROUTES"}, rows);
      });
}

int routes(const client_options& client) {
  return ask_node(
      client, [](admin_client& node) { return node.get("/v1/routes"); },
      [](const json& answer) {
        std::vector<table_row> rows;
        for (const auto& route : answer.value("routes", json::array()))
          rows.push_back({text_or_dash(route, "route"), text_or_dash(route, "function")});
        print_table({"ROUTE", "FUNCTION"}, rows);
      });
}

int remove(const client_options& client, const std::string& name) {
  int code = exit_done;
  if (refuse_name(client, name, code))
    return code;
  return ask_node(
      client, [&](admin_client& node) { return node.remove("/v1/functions/" + name); },
      [&](const json& answer) { std::fputs(("removed " + name + "\n" + laggards_note(answer)).c_str(), stdout); });
}

}  // namespace troupe::cli
