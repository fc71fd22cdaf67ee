// Questions to a node whose answer is printed as it came, or as a table of what stands in it. What is absent or of
// another type reads as 0 or a dash: newer nodes may say more, and less.
#pragma once

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"

namespace troupe::cli {

/// Asks the node one question and prints the answer, for humans by `print`. @returns the exit code.
template <class Ask, class Print>
int ask_node(const client_options& client, Ask question, Print print) {
  auto node = admin_client::open(client.admin);
  if (!node)
    return report(client, node.error());
  const admin_result<nlohmann::ordered_json> answer = question(*node);
  if (!answer)
    return report(client, answer.error());
  if (client.json)
    print_json(*answer);
  else
    print(*answer);
  return exit_done;
}

inline void print_table(const table_row& headings, const std::vector<table_row>& rows) {
  std::fputs(table(headings, rows, terminal_columns()).c_str(), stdout);
}

inline std::string text_of(const nlohmann::ordered_json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

inline std::string text_or_dash(const nlohmann::ordered_json& object, const char* name) {
  const auto text = text_of(object, name);
  return text.empty() ? "-" : text;
}

inline std::string number(const nlohmann::ordered_json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return std::to_string(found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0);
}

inline std::string number_or_dash(const nlohmann::ordered_json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && found->is_number_unsigned() ? number(object, name) : "-";
}

/// The strings of a list with `, ` between them, or a dash.
inline std::string list_or_dash(const nlohmann::ordered_json& object, const char* name) {
  std::string text;
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found != object.end() && found->is_array())
    for (const auto& each : *found)
      if (each.is_string())
        text += (text.empty() ? "" : ", ") + each.get<std::string>();
  return text.empty() ? "-" : text;
}

/// Names the nodes that did not answer, once for the same ones: those that hang stay silent for a while.
/// @param what  is missing of them
/// @param told  who was named last time
inline void say_silent(const nlohmann::ordered_json& answer, const char* what, std::string& told) {
  const auto names = list_or_dash(answer, "silent");
  if (names != told && names != "-") {
    std::fflush(stdout);  // both streams may be the same terminal
    std::fprintf(stderr, "(without the %s of %s: no answer)\n", what, names.c_str());
  }
  told = names;
}

/// One line about members of the cluster that do not have a change yet, or nothing.
inline std::string laggards_note(const nlohmann::ordered_json& answer) {
  const auto names = list_or_dash(answer, "laggards");
  return names == "-" ? std::string{} : "note: not known yet at " + names + ", whose copies of the store lag\n";
}

}  // namespace troupe::cli
