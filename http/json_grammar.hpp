// Whether a text is JSON by its grammar alone (RFC 8259): no value is read, so that numbers of any size and lone
// surrogates, which handlers' languages write, pass as they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace troupe::http {

/// Deeper texts are refused: runtimes cannot read them either.
inline constexpr std::size_t max_json_depth = 1024;

/// @returns the offset of the first byte that cannot stand there (the size when the text ends too early), or nothing.
/// UTF-8 is not looked at.
std::optional<std::size_t> json_fault_at(std::string_view text);

}  // namespace troupe::http
