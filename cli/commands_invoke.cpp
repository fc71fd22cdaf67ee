#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/payload.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// The longest timeout of a function, and a minute for the start of an instance before it.
constexpr milliseconds longest_call{960'000};

/// `TypeError: x is not a function`, on one line, from an error in Lambda's form.
std::string error_of(const std::string& payload) {
  const auto body = json::parse(payload, nullptr, false);
  const auto member = [&](const char* name) {
    return body.is_object() && body.contains(name) && body[name].is_string() ? body[name].get<std::string>()
                                                                             : std::string{};
  };
  const auto type = member("errorType");
  const auto message = member("errorMessage");
  const auto text = type.empty() ? message : message.empty() ? type : type + ": " + message;
  return text.empty() ? "it gave no reason" : text.substr(0, text.find('\n'));
}

/// Around the handler's bytes, which stay as they are.
std::string for_programs(const invocation_answer& answer) {
  const bool is_json = check_json(answer.payload).has_value();
  const auto text_of = [](const std::string& text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  return "{\"executed_version\":" + text_of(answer.executed_version) +
         ",\"function_error\":" + (answer.function_error.empty() ? "null" : text_of(answer.function_error)) +
         ",\"log_tail\":" + text_of(answer.log_tail) +
         ",\"payload\":" + (is_json ? answer.payload : text_of(answer.payload)) + "}";
}

bool write_line(std::FILE* stream, const std::string& text) {
  const auto end = text.ends_with('\n') ? "" : "\n";
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fputs(end, stream) >= 0 &&
         std::fflush(stream) == 0;
}

int print(const client_options& client, const invocation_answer& answer) {
  if (!answer.log_tail.empty() && !client.json)
    write_line(stderr, answer.log_tail);
  if (!write_line(stdout, client.json ? for_programs(answer) : answer.payload))
    return report(client, failure_of(error{errc::io, "cannot write the answer to standard output"}));
  if (answer.function_error.empty())
    return exit_done;
  if (!client.json)
    write_line(stderr, "troupe: the function failed: " + error_of(answer.payload));
  return exit_failed;
}

}  // namespace

int invoke(const client_options& client, const invoke_options& options) {
  int code = exit_done;
  if (refuse_name(client, options.function, code))
    return code;
  const auto payload = read_payload(options.payload.value_or("{}"));
  if (!payload) {
    auto failure = failure_of(payload.error());
    failure.usage = payload.error().code != errc::io;
    return report(client, failure);
  }
  http::blocking_client::limits bounds;
  bounds.answer_timeout = longest_call;
  auto node = admin_client::open(client.admin, bounds);
  if (!node)
    return report(client, node.error());
  progress_line progress;
  node->on_wait([&] { progress.show(options.function + " runs"); });
  const auto answer = node->invoke(options.function, *payload, options.log_tail ? tail_mode::log : tail_mode::none);
  progress.finish();
  return answer ? print(client, *answer) : report(client, answer.error());
}

}  // namespace troupe::cli
