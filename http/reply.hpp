// What the edge will write for one request, framing and connection handling left out: the connection adds those.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "functions/outcome.hpp"

namespace troupe::http {

struct reply {
  unsigned status = 200;
  errc cause{};        ///< why it is an error of troupe's own making, for metrics and log; 0: it is none
  std::string detail;  ///< what went wrong, for the log alone: a client never sees it
  /// Complete, checked lines `name: value\r\n`. Never among them: content-length, transfer-encoding, connection, date,
  /// apigw-requestid and other hop-by-hop fields.
  std::string fields;
  std::variant<std::string, buffer, functions::foreign_bytes> body;

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
