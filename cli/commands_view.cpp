#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/inference.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// Asks the node one question and prints the answer, for humans by `print`.
template <class Ask, class Print>
int ask(const client_options& client, Ask question, Print print) {
  auto node = admin_client::open(client.admin);
  if (!node)
    return report(client, node.error());
  const admin_result<json> answer = question(*node);
  if (!answer)
    return report(client, answer.error());
  if (client.json)
    print_json(*answer);
  else
    print(*answer);
  return exit_done;
}

void print_table(const table_row& headings, const std::vector<table_row>& rows) {
  std::fputs(table(headings, rows, terminal_columns()).c_str(), stdout);
}

std::string number(const json& object, const char* name) {
  return std::to_string(object.value(name, std::uint64_t{0}));
}

std::string text_or_dash(const json& object, const char* name) {
  const auto text = object.value(name, "");
  return text.empty() ? "-" : text;
}

std::string routes_of(const json& function) {
  std::string text;
  for (const auto& route : function.value("routes", json::array()))
    text += (text.empty() ? "" : ", ") + route.get<std::string>();
  return text.empty() ? "-" : text;
}

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
          routes_of(function)};
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
  return ask(
      client, [](admin_client& node) { return node.get("/v1/functions"); },
      [](const json& answer) {
        std::vector<table_row> rows;
        for (const auto& function : answer.value("functions", json::array()))
          rows.push_back(row_of(function));
        print_table({"FUNCTION", "RUNTIME", "VERSION", "READY/MIN/MAX", "MEMORY", "TIMEOUT", "AGE", "ROUTES"}, rows);
      });
}

int routes(const client_options& client) {
  return ask(
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
  return ask(
      client, [&](admin_client& node) { return node.remove("/v1/functions/" + name); },
      [&](const json&) { std::fputs(("removed " + name + "\n").c_str(), stdout); });
}

}  // namespace troupe::cli
