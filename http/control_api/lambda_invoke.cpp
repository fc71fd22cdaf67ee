#include "http/control_api/lambda_invoke.hpp"

#include <csignal>
#include <nlohmann/json.hpp>

#include "config/text.hpp"
#include "functions/worker_payload.hpp"
#include "http/json_grammar.hpp"

namespace troupe::http {

namespace {

using functions::failure;

constexpr std::size_t max_client_context = 3583;
/// Of an answer of a worker, as its default says (functions/worker_payload).
constexpr std::size_t max_answer_bytes = 6'291'556;

/// @returns what is wrong with it, or nothing.
std::string json_fault(std::string_view text) {
  if (!is_utf8(text))
    return "The text is not UTF-8";
  const auto at = json_fault_at(text);
  if (!at)
    return {};
  return *at == text.size() ? std::string{"Unexpected end-of-input"}
                            : "Unexpected character at byte " + std::to_string(*at);
}

lambda_result<void> read_client_context(std::string_view field, std::string& out) {
  if (field.empty())
    return {};
  const auto text = base64_decode(field);
  if (!text || text->find_first_not_of(" \t\r\n") == text->npos || (*text)[text->find_first_not_of(" \t\r\n")] != '{' ||
      !json_fault(*text).empty())
    return refuse(
        {400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."});
  if (text->size() > max_client_context)
    return refuse({400, "InvalidRequestContentException",
                   "Client context must be no larger than " + std::to_string(max_client_context) + " bytes."});
  out = *text;
  return {};
}

lambda_result<void> read_kind(std::string_view kind, invoke_request& out) {
  if (kind == "Event")
    return refuse(invalid_parameter("InvocationType Event: this node has no asynchronous invocation yet"));
  if (kind != "DryRun" && kind != "RequestResponse" && !kind.empty())
    return refuse(invalid_parameter("InvocationType " + in_quotes(kind) + ": allowed are RequestResponse and DryRun"));
  out.dry_run = kind == "DryRun";
  return {};
}

/// Whether the function itself is to blame: its caller gets an answer that says how.
bool is_function_failure(errc code) {
  return code == errc::function_error || code == errc::function_crashed || code == errc::function_timeout ||
         code == errc::init_failed || code == errc::malformed_answer || code == errc::answer_too_large ||
         code == errc::memory_exceeded;
}

std::string payload_of(const failure& why, const functions::invocation& call) {
  if (!why.payload.empty())
    return why.payload;
  switch (why.code) {
    case errc::function_timeout: return functions::timeout_payload(call.invocation_id, call.function->timeout);
    case errc::memory_exceeded: return functions::exit_payload(call.invocation_id, SIGKILL);
    case errc::function_crashed: return functions::exit_payload(call.invocation_id, 0);
    case errc::init_failed: return functions::spawn_failure_payload(call.invocation_id, why.detail);
    case errc::answer_too_large: return functions::response_too_big_payload(max_answer_bytes);
    default: break;
  }
  nlohmann::ordered_json body{{"errorType", "Error"}, {"errorMessage", why.detail}};
  return body.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

lambda_error error_of(const failure& why, std::string_view arn) {
  switch (why.code) {
    case errc::overloaded:
    case errc::no_capacity: return throttled("ConcurrentInvocationLimitExceeded");
    case errc::no_such_function:
    case errc::no_such_route: return function_not_found(arn);
    case errc::payload_too_large:
      return {413, "RequestTooLargeException",
              "Request must be smaller than " + std::to_string(max_invoke_bytes) +
                  " bytes for the InvokeFunction operation"};
    default: return service_fault({why.code, why.detail.empty() ? std::string{to_string(why.code)} : why.detail});
  }
}

}  // namespace

lambda_result<invoke_request> parse_invoke(const functions::http_request& request) {
  invoke_request out;
  if (auto read = read_kind(request.field("x-amz-invocation-type"), out); !read)
    return refuse(read.error());
  const auto log = request.field("x-amz-log-type");
  if (!log.empty() && log != "None" && log != "Tail")
    return refuse(invalid_parameter("LogType " + in_quotes(log) + ": allowed are None and Tail"));
  out.wants_log_tail = log == "Tail";
  if (auto read = read_client_context(request.field("x-amz-client-context"), out.client_context); !read)
    return refuse(read.error());
  out.trace = request.field("x-amzn-trace-id");
  const auto body = request.body.view();
  if (body.size() > max_invoke_bytes)
    return refuse({413, "RequestTooLargeException",
                   "Request must be smaller than " + std::to_string(max_invoke_bytes) +
                       " bytes for the InvokeFunction operation"});
  if (body.empty()) {
    out.payload = "{}";
    return out;
  }
  if (const auto fault = json_fault(body); !fault.empty())
    return refuse(invalid_content("Could not parse payload into json: " + fault));
  out.payload = body;
  return out;
}

reply invoke_reply(functions::outcome&& what, const functions::invocation& call, std::string_view arn) {
  const auto id = to_string(call.invocation_id);
  auto* failed = std::get_if<failure>(&what.value);
  if (failed != nullptr && !is_function_failure(failed->code))
    return error_reply(error_of(*failed, arn), id);
  auto out = success_reply(200, {}, id);
  out.fields += "x-amz-executed-version: $LATEST\r\n";
  if (call.wants_log_tail)
    out.fields += "x-amz-log-result: " + base64_encode(what.log_tail) + "\r\n";
  if (failed != nullptr) {
    out.fields += "x-amz-function-error: Unhandled\r\n";
    out.body = payload_of(*failed, call);
  } else if (auto* answer = std::get_if<functions::json_answer>(&what.value)) {
    out.body = std::move(answer->bytes);
  } else {
    out.body = std::move(std::get<functions::native_response>(what.value).body);
  }
  return out;
}

}  // namespace troupe::http
