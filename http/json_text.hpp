// The strings and scalars of a JSON text that is read where it lies: checked and unescaped without a copy.
#pragma once

#include <cstddef>
#include <string_view>

namespace troupe::http {

/// Whether `inside` can stand between the quotes of a JSON string. UTF-8 is not looked at.
bool is_json_string(std::string_view inside) noexcept;

/// Writes what the inside of a valid JSON string stands for; a surrogate without its other half becomes U+FFFD.
/// @param to  room for `inside.size()` bytes; may overlap `inside` if it does not begin behind it.
/// @returns how many bytes were written.
std::size_t unescape_json(char* to, std::string_view inside) noexcept;

/// Whether `token` is a complete JSON string, number, `true`, `false` or `null`.
bool is_json_scalar(std::string_view token) noexcept;

/// Without the white space of JSON at both ends.
std::string_view trim_json(std::string_view text) noexcept;

}  // namespace troupe::http
