#include "actors/envelope.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/meta/type_name.hpp>

#include "actors/type_ids.hpp"

namespace troupe::actors {

std::string_view to_string(envelope_kind kind) noexcept {
  switch (kind) {
    case envelope_kind::hello: return "hello";
    case envelope_kind::welcome: return "welcome";
    case envelope_kind::refused: return "refused";
    case envelope_kind::status: return "status";
    case envelope_kind::status_request: return "status_request";
    case envelope_kind::spawn_supervisor: return "spawn_supervisor";
    case envelope_kind::function_started: return "function_started";
    case envelope_kind::function_failed: return "function_failed";
    case envelope_kind::drain_notice: return "drain_notice";
    case envelope_kind::events_request: return "events_request";
    case envelope_kind::events: return "events";
    case envelope_kind::reply: return "reply";
  }
  return "unknown";
}

expected<void> check(const envelope& message) {
  if (message.body.size() > max_envelope_bytes)
    return fail(errc::too_big, "an envelope's body of " + std::to_string(message.body.size()) + " bytes: at most " +
                                   std::to_string(max_envelope_bytes) + " are allowed");
  if (to_string(message.kind) == "unknown")
    return fail(errc::bad_usage,
                "an envelope of the unknown kind " + std::to_string(static_cast<unsigned>(message.kind)));
  return {};
}

void add_message_types(caf::actor_system_config& config) {
  config.add_message_type<envelope>("te");
}

}  // namespace troupe::actors
