#include "http/outcome_reply.hpp"

#include <cstdio>
#include <utility>

#include "http/lambda_reply.hpp"

namespace troupe::http {

double milliseconds_of(duration length) noexcept {
  return std::chrono::duration<double, std::milli>(length).count();
}

reply reply_to(functions::outcome&& result, error_mode mode) {
  if (auto* failed = std::get_if<functions::failure>(&result.value))
    return error_reply(failed->code, mode, std::move(failed->detail));
  auto made = std::holds_alternative<functions::json_answer>(result.value)
                  ? make_reply(std::move(std::get<functions::json_answer>(result.value)))
                  : make_reply(std::move(std::get<functions::native_response>(result.value)));
  if (!made)
    return error_reply(made.error().code, mode, std::move(made.error().what));
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
