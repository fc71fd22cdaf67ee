// The parts of an event that are maps of the client's making: fields, cookies, query. Used by functions/event only.
#pragma once

#include <string_view>
#include <vector>

#include "functions/event.hpp"
#include "functions/http_request.hpp"
#include "functions/json_writer.hpp"

namespace troupe::functions {

/// What the rest of the event needs of the fields; of repeated ones the first.
struct known_fields {
  std::string_view host;
  std::string_view user_agent;
  std::string_view content_type;
  bool has_cookies = false;
  bool has_forwarded_for = false;
};

/// `"name":"value",` for each field but those that `write_own_fields` and `write_cookies` write.
known_fields write_fields(json_writer& json, const std::vector<header_field>& fields);
/// The fields that the gateway adds or replaces, then `}`.
void write_own_fields(json_writer& json, const http_request& request, const event_context& context,
                      bool has_forwarded_for);
/// `,"cookies":[...]`, or nothing when the Cookie fields hold none.
void write_cookies(json_writer& json, const http_request& request);
/// `,"queryStringParameters":{...}`, or nothing when the query holds no key.
void write_query(json_writer& json, std::string_view query);

/// Without blanks and tabs at both ends.
std::string_view trim_blanks(std::string_view text) noexcept;

}  // namespace troupe::functions
