#include "http/outcome_reply.hpp"

#include <cstdio>

#include "config/log.hpp"
#include "http/lambda_reply.hpp"

namespace troupe::http {

double milliseconds_of(duration length) noexcept {
  return std::chrono::duration<double, std::milli>(length).count();
}

reply failed_call(const functions::invocation& call, errc code, const std::string& detail, error_mode mode) {
  log_event(log_level::warning, "call_failed",
            {{"function", call.function->name},
             {"cause", std::string{to_string(code)}},
             {"request_id", std::string{call.request_id.view()}},
             {"invocation_id", to_string(call.invocation_id)},
             {"detail", detail}});
  return error_reply(code, mode);
}

reply reply_to(functions::outcome&& result, const functions::invocation& call, error_mode mode) {
  if (const auto* failed = std::get_if<functions::failure>(&result.value))
    return failed_call(call, failed->code, failed->detail, mode);
  auto made = std::holds_alternative<functions::json_answer>(result.value)
                  ? make_reply(std::move(std::get<functions::json_answer>(result.value)))
                  : make_reply(std::move(std::get<functions::native_response>(result.value)));
  if (!made)
    return failed_call(call, made.error().code, made.error().what, mode);
  return std::move(*made);
}

void append_timing(std::string& fields, const functions::outcome& result) {
  char text[128];
  const auto length =
      std::snprintf(text, sizeof text, "server-timing: queue;dur=%.3f, cold;dur=%.3f, run;dur=%.3f\r\n",
                    milliseconds_of(result.queued), milliseconds_of(result.started), milliseconds_of(result.ran));
  fields.append(text, static_cast<std::size_t>(length));
}

}  // namespace troupe::http
