#include "cli/topic_tables.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "config/errc.hpp"
#include "config/settings.hpp"
#include "http/responses.hpp"

namespace troupe::cli {

namespace {

/// What a cause means to whoever called a function; empty for errors that no call ends in.
std::string_view meaning_of(errc code) noexcept {
  switch (code) {
    case errc::no_such_route: return "no route matches the request";
    case errc::no_such_function: return "the route's function is not deployed any more";
    case errc::payload_too_large: return "the event is larger than a worker takes";
    case errc::overloaded: return "too many calls wait for an instance, or for too long; it did not run";
    case errc::no_capacity: return "no room for another instance on this node; it did not run";
    case errc::draining: return "the node is going down; it did not run";
    case errc::not_ready: return "the node or the function is not ready yet; it did not run";
    case errc::breaker_open: return "the function kept failing to start; it did not run";
    case errc::budget_spent: return "no answer within edge.answer_timeout; the function runs on";
    case errc::function_error: return "the handler reported an error";
    case errc::function_crashed: return "the process of the handler ended during the call";
    case errc::function_timeout: return "the function's own timeout passed during the call";
    case errc::memory_exceeded: return "the instance used more memory than it may, and was ended";
    case errc::init_failed: return "the code could not be loaded";
    case errc::malformed_answer: return "the handler's answer cannot be made into a response";
    case errc::answer_too_large: return "the handler's answer exceeds the limit";
    case errc::unknown_outcome: return "whether it ran is not known";
    case errc::stale: return "the node that was to run it slept meanwhile; it did not run";
    case errc::link_down: return "no link to the node that was to run it; it did not run";
    case errc::link_lost: return "the node that ran it, or was about to, was lost: it may have run";
    case errc::bug: return "the node is at fault";
    case errc::bad_setting:
    case errc::bad_usage:
    case errc::refused:
    case errc::io:
    case errc::corrupt:
    case errc::full:
    case errc::conflict:
    case errc::unavailable:
    case errc::too_big:
    case errc::protocol:
    case errc::no_such_service:
    case errc::client_gone: return {};
  }
  return {};
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out{text};
  out.append(width > text.size() ? width - text.size() : 0, ' ');
  return out;
}

std::string default_or_none(const setting& each) {
  auto text = each.print(each.rule, settings{});
  return text.empty() ? "(none)" : text;
}

bool is_limit(const setting& each) {
  return each.rule.kind == value_rule::kind_type::bytes || each.rule.kind == value_rule::kind_type::time ||
         each.key.find("max_") != each.key.npos;
}

}  // namespace

std::string settings_table() {
  std::string text;
  for (const auto& each : all_settings()) {
    const auto variable = environment_name(each.key);
    text.append(padded(each.key, 28)).append(" ").append(default_or_none(each)).append("\n    ");
    text.append(each.reason).append("\n    Allowed: ").append(allowed_text(each.rule));
    text.append(each.is_list ? ", several separated by commas" : "");
    text.append("\n    Unit: ").append(unit_text(each.rule)).append("; a change counts from the next ");
    text.append(each.changes == change_mode::at_reload ? "reload on" : "start on");
    text.append(variable.empty() ? "" : "\n    ").append(variable).append("\n");
  }
  return text;
}

std::string limits_table() {
  std::string text;
  for (const auto& each : all_settings())
    if (is_limit(each))
      text.append("  ").append(padded(each.key, 28)).append(padded(default_or_none(each), 12)).append(each.reason) +=
          '\n';
  return text;
}

std::string causes_table() {
  const auto row = [](std::string_view cause, unsigned strict, unsigned truthful, std::string_view meaning) {
    return "  " + padded(cause, 33) + padded(std::to_string(strict), 8) + padded(std::to_string(truthful), 10) +
           std::string{meaning} + "\n";
  };
  auto text = "  " + padded("cause", 33) + padded("strict", 8) + padded("truthful", 10) + "meaning\n";
  for (int code = 1; code <= std::numeric_limits<std::uint8_t>::max(); ++code) {
    const auto cause = static_cast<errc>(code);
    if (const auto meaning = meaning_of(cause); !meaning.empty())
      text += row(to_string(cause), http::status_of(cause, http::error_mode::strict),
                  http::status_of(cause, http::error_mode::truthful), meaning);
  }
  for (const auto& each : http::refusal_causes)
    text += row(each.name, each.status, each.status, std::string{each.meaning} + "; no function was asked");
  return text;
}

std::string table_named(std::string_view name) {
  if (name == "settings")
    return settings_table();
  if (name == "limits")
    return limits_table();
  return name == "causes" ? causes_table() : std::string{};
}

}  // namespace troupe::cli
