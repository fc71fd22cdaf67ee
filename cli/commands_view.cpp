#include <cstdio>
#include <ctime>
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

std::string local_time(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  char text[32] = "";
  if (::localtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0)
    return "-";
  return text;
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

/// Names of functions stand in paths: whatever else is refused before it is sent.
bool refuse_name(const client_options& client, const std::string& name, int& code) {
  const auto checked = infer_name(name);
  if (!checked)
    code = report(client, failure_of(error{errc::bad_usage, "'" + name +
                                                                "' is no name of a function: allowed are 1 to 64 "
                                                                "of a-z A-Z 0-9 - _"}));
  return !checked;
}

}  // namespace

int list(const client_options& client) {
  return ask(
      client, [](admin_client& node) { return node.get("/v1/functions"); },
      [](const json& answer) {
        std::vector<std::vector<std::string>> rows;
        for (const auto& function : answer.value("functions", json::array())) {
          const auto instances = function.value("instances", json::object());
          rows.push_back({text_or_dash(function, "name"), number(function, "version"),
                          text_or_dash(function, "runtime"), text_or_dash(function, "handler"),
                          number(instances, "ready"), human_bytes(function.value("code_bytes", std::uint64_t{0})),
                          local_time(function.value("modified_unix_ms", std::int64_t{0})), routes_of(function)});
        }
        std::fputs(
            table({"NAME", "VERSION", "RUNTIME", "HANDLER", "INSTANCES", "CODE", "DEPLOYED", "ROUTES"}, rows).c_str(),
            stdout);
      });
}

int routes(const client_options& client) {
  return ask(
      client, [](admin_client& node) { return node.get("/v1/routes"); },
      [](const json& answer) {
        std::vector<std::vector<std::string>> rows;
        for (const auto& route : answer.value("routes", json::array()))
          rows.push_back({text_or_dash(route, "route"), text_or_dash(route, "function")});
        std::fputs(table({"ROUTE", "FUNCTION"}, rows).c_str(), stdout);
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

int logs(const client_options& client, const std::string& name) {
  int code = exit_done;
  if (refuse_name(client, name, code))
    return code;
  return ask(
      client, [&](admin_client& node) { return node.get("/v1/functions/" + name + "/logs"); },
      [](const json& answer) {
        for (const auto& line : answer.value("lines", json::array()))
          std::fputs((line.get<std::string>() + "\n").c_str(), stdout);
      });
}

}  // namespace troupe::cli
