// The `x-amzn-trace-id` of a call: what the event, the worker and the log are told.
#pragma once

#include <array>
#include <string_view>

#include "config/clock.hpp"
#include "functions/invocation.hpp"

namespace troupe::functions {

/// Whether `text` is an X-Ray header: fields `key=value` with `;` between, exactly one `Root=1-<8 hex>-<24 hex>`,
/// `Parent` 16 hex digits, `Sampled` one of `0 1 ?`; other keys are let through. At most 256 bytes, printable ASCII
/// without blanks, quotes and backslashes.
bool is_trace_header(std::string_view text) noexcept;

/// Kept from the client when its request has exactly one valid header, made otherwise. Refers to the invocation's
/// request and must not outlive it.
class trace_id {
public:
  /// @param wall  milliseconds since 1970 UTC; a trace id that is made begins with it.
  trace_id(const invocation& call, milliseconds wall) noexcept;

  /// Printable ASCII that needs no escaping in JSON.
  std::string_view view() const noexcept {
    return client_.empty() ? std::string_view{made_.data(), made_.size()} : client_;
  }

private:
  std::array<char, 40> made_{};  // Root=1-<8 hex>-<24 hex>
  std::string_view client_;
};

}  // namespace troupe::functions
