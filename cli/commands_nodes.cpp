// `troupe nodes`, `troupe events`, `troupe store` and `troupe backup`: the cluster as any of its nodes tells it.
#include <algorithm>
#include <cstdio>

#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/following.hpp"
#include "cli/new_file.hpp"
#include "config/text.hpp"
#include "functions/unix_file.hpp"
#include "http/store_backup.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// Enough of a digest for eyes that compare.
constexpr std::size_t shown_digest = 8;
constexpr std::uint64_t max_backup_bytes = 1ull << 30;

int report_usage(const client_options& client, std::string what) {
  return report(client, failure_of(error{errc::bad_usage, std::move(what)}));
}

/// Names of nodes stand in paths. @param code  set to the exit code when `name` is none.
bool refuse_node_name(const client_options& client, const std::string& name, int& code) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (!name.empty() && name.size() <= 64 && name.find_first_not_of(allowed) == name.npos)
    return false;
  code = report_usage(client, "'" + name + "' is no name of a node: allowed are 1 to 64 of A-Z a-z 0-9 . _ -");
  return true;
}

json member(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() ? *found : json::object();
}

table_row row_of(const json& node) {
  const auto age = member(node, "age_ms");
  const auto store = member(node, "store");
  const auto load = member(node, "load");
  return {
      text_or_dash(node, "name"),     text_or_dash(node, "role"),
      text_or_dash(node, "state"),    age.is_number_unsigned() ? human_age(milliseconds{age.get<std::int64_t>()}) : "-",
      text_or_dash(node, "version"),  number_or_dash(store, "cursor"),
      number_or_dash(store, "lag"),   text_or_dash(store, "digest").substr(0, shown_digest),
      number(load, "in_flight"),      number(load, "ready"),
      list_or_dash(node, "functions")};
}

int list_nodes(const client_options& client) {
  return ask_node(
      client, [](admin_client& node) { return node.get_list("/v1/nodes"); },
      [](const json& answer) {
        std::vector<table_row> rows;
        for (const auto& node : answer)
          rows.push_back(row_of(node));
        print_table(
            {"NODE", "ROLE", "STATE", "AGE", "VERSION", "CURSOR", "LAG", "DIGEST", "CALLS", "READY", "FUNCTIONS"},
            rows);
      });
}

std::string line_of(const json& event, const client_options& client) {
  if (client.json)
    return event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const auto at = member(event, "unix_ms");
  auto line = utc_text(milliseconds{at.is_number_integer() ? at.get<std::int64_t>() : 0}) + "\t" +
              text_or_dash(event, "node") + "\t" + text_or_dash(event, "kind") + "\t" + text_of(event, "text");
  // Other nodes wrote it: nothing in it may speak to the terminal.
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f); },
      '?');
  return line + "\n";
}

void print_events(const json& answer, const client_options& client) {
  if (const auto count = number(answer, "overwritten"); count != "0") {
    std::fflush(stdout);
    std::fprintf(stderr, "(%s %s overwritten before they could be read)\n", count.c_str(),
                 count == "1" ? "event" : "events");
  }
  for (const auto& event : member(answer, "events"))
    std::fputs(line_of(event, client).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int nodes(const client_options& client, const nodes_options& options) {
  if (options.action.empty())
    return list_nodes(client);
  if (!options.node)
    return report_usage(client, "nodes remove needs the name of a node: troupe nodes remove NODE");
  int code = exit_done;
  if (refuse_node_name(client, *options.node, code))
    return code;
  return ask_node(
      client, [&](admin_client& node) { return node.remove("/v1/nodes/" + *options.node); },
      [&](const json&) { std::fputs(("removed " + *options.node + "\n").c_str(), stdout); });
}

int events(const client_options& client, log_mode mode) {
  if (mode == log_mode::kept)
    return ask_node(
        client, [](admin_client& node) { return node.get("/v1/events"); },
        [&](const json& answer) {
          print_events(answer, client);
          std::string told;
          say_silent(answer, "events", told);
        });
  auto node = admin_client::open(client.admin, follow_limits());
  if (!node)
    return report(client, node.error());
  std::string next;
  std::string silent;
  return follow(client, [&]() -> admin_result<void> {
    const auto answer = node->get(next.empty() ? "/v1/events" : "/v1/events?from=" + next);
    if (!answer)
      return tl::unexpected{answer.error()};
    print_events(*answer, client);
    say_silent(*answer, "events", silent);
    next = text_of(*answer, "next");
    return {};
  });
}

int move_store(const client_options& client, const std::string& to) {
  int code = exit_done;
  if (refuse_node_name(client, to, code))
    return code;
  return ask_node(
      client,
      [&](admin_client& node) {
        return node.post("/v1/store/move", {{"to", to}});
      },
      [&](const json&) { std::fputs(("the store is at " + to + "\n").c_str(), stdout); });
}

int backup(const client_options& client, const std::string& file) {
  http::blocking_client::limits bounds;
  bounds.max_response_bytes = max_backup_bytes;
  if (functions::path_exists(file))
    return report(client, failure_of(exists_already(file).value()));
  auto node = admin_client::open(client.admin, bounds);
  if (!node)
    return report(client, node.error());
  const auto text = node->get_bytes("/v1/store/backup");
  if (!text)
    return report(client, text.error());
  const auto parsed = http::parse_backup(*text);
  if (!parsed)
    return report(client, failure_of(parsed.error()));
  if (const auto written = write_new_file(file, *text, file_secrecy::secret); !written)
    return report(client, failure_of(written.error()));
  const auto records = parsed->contents.records.size();
  if (client.json)
    print_json({{"file", file}, {"records", records}, {"cursor", parsed->contents.cursor.value}});
  else
    std::printf("wrote %s: %zu %s\n", file.c_str(), records, records == 1 ? "record" : "records");
  return exit_done;
}

}  // namespace troupe::cli
