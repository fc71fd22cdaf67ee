// JSON as the bodies of answers have it. Only .cpp files include this: the library behind it is costly to compile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace troupe::http {

/// On one line, with a line feed. What is not UTF-8 becomes U+FFFD.
inline std::string text_of(const nlohmann::ordered_json& body) {
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// Null for an empty text: there is none.
inline nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

}  // namespace troupe::http
