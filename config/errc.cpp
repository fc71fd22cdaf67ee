#include "config/errc.hpp"

namespace troupe {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::bug: return "bug";
    case errc::bad_setting: return "bad_setting";
    case errc::bad_usage: return "bad_usage";
    case errc::refused: return "refused";
    case errc::io: return "io";
    case errc::corrupt: return "corrupt";
    case errc::full: return "full";
    case errc::conflict: return "conflict";
    case errc::unavailable: return "unavailable";
    case errc::unknown_outcome: return "unknown_outcome";
    case errc::too_big: return "too_big";
    case errc::no_such_function: return "no_such_function";
    case errc::no_such_route: return "no_such_route";
    case errc::overloaded: return "overloaded";
    case errc::no_capacity: return "no_capacity";
    case errc::draining: return "draining";
    case errc::not_ready: return "not_ready";
    case errc::breaker_open: return "breaker_open";
    case errc::budget_spent: return "budget_spent";
    case errc::function_error: return "function_error";
    case errc::function_crashed: return "function_crashed";
    case errc::function_timeout: return "function_timeout";
    case errc::init_failed: return "init_failed";
    case errc::malformed_answer: return "malformed_answer";
    case errc::answer_too_large: return "answer_too_large";
    case errc::payload_too_large: return "payload_too_large";
    case errc::client_gone: return "client_gone";
    case errc::memory_exceeded: return "memory_exceeded";
    case errc::stale: return "stale";
    case errc::link_down: return "link_down";
    case errc::link_lost: return "link_lost";
    case errc::protocol: return "protocol";
    case errc::no_such_service: return "no_such_service";
  }
  return "unknown";  // a code that only newer nodes know
}

}  // namespace troupe
