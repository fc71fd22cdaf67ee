// What the edge refuses by itself, before a request can have a route. One declaration for the header, the log, the
// metrics and `troupe help errors`. Causes of calls are in config/errc: these here never leave the edge.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe::http {

struct refusal_cause {
  unsigned status;
  std::string_view name;     ///< in `x-troupe-error`, log and metrics
  std::string_view meaning;  ///< for people
};

inline constexpr std::array<refusal_cause, 9> refusal_causes = {{
    {400, "bad_request", "no HTTP/1.1, or such as could be read in two ways"},
    {405, "method_not_allowed", "CONNECT and TRACE are not served"},
    {408, "request_timeout", "the request did not come whole in time"},
    {413, "content_too_large", "the body is longer than the limit"},
    {414, "uri_too_long", "the target is longer than the limit"},
    {417, "expectation_failed", "an expectation other than 100-continue"},
    {431, "request_header_fields_too_large", "the head is longer than the limit, or has too many fields"},
    {501, "not_implemented", "an unknown method, or a transfer coding other than chunked"},
    {505, "http_version_not_supported", "neither HTTP/1.1 nor HTTP/1.0"},
}};

/// The place of a status in `refusal_causes`; their number for one that nothing is refused with.
constexpr std::size_t refusal_place(unsigned status) noexcept {
  const auto* found = std::find_if(refusal_causes.begin(), refusal_causes.end(),
                                   [status](const refusal_cause& each) { return each.status == status; });
  return static_cast<std::size_t>(found - refusal_causes.begin());
}

}  // namespace troupe::http
