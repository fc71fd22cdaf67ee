// What the edge will write for one request, framing and connection handling left out: the connection adds those.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "functions/outcome.hpp"
#include "http/refusals.hpp"

namespace troupe::http {

struct reply {
  unsigned status = 200;
  errc cause{};        ///< why it is an error of troupe's own making, for metrics and log; 0: it is none
  std::string detail;  ///< what went wrong, for the log alone: a client never sees it
  const refusal_cause* refused = nullptr;  ///< instead of `cause`, when the edge refused it by itself
  /// Complete, checked lines `name: value\r\n`. Never among them: content-length, transfer-encoding, connection, date,
  /// apigw-requestid and other hop-by-hop fields.
  std::string fields;
  std::variant<std::string, buffer, functions::foreign_bytes> body;

  /// As `x-troupe-error` says it; empty when it is no error of troupe's own.
  std::string_view cause_name() const noexcept {
    if (refused != nullptr)
      return refused->name;
    return static_cast<std::size_t>(cause) == 0 ? std::string_view{} : to_string(cause);
  }
  std::string_view body_view() const noexcept {
    return std::visit(
        [](const auto& bytes) -> std::string_view {
          if constexpr (requires { bytes.view(); })
            return bytes.view();
          else
            return bytes;
        },
        body);
  }
};

}  // namespace troupe::http
