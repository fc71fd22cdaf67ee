// What can be told of a request whose head is malformed, or never came whole: for the log, never for an answer.
#pragma once

#include <string_view>

#include "http/request_head.hpp"

namespace troupe::http {

struct seen_line {
  std::string_view method;  ///< empty when that is no token
  std::string_view path;    ///< of the target, without its query; empty when the target is malformed, cut or too long
};
/// Views into `bytes`, everything that came of the request.
seen_line peek_request_line(std::string_view bytes, const head_limits& limits) noexcept;

}  // namespace troupe::http
