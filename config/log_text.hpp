// The text of a line of the log, in pieces: for config/log, and for those who write many lines of one kind.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "config/log.hpp"

namespace troupe {

/// Of `2026-01-31T23:59:59.123Z`.
inline constexpr std::size_t log_time_size = 24;

/// Writes the present time.
void format_log_time(std::span<char, log_time_size> out) noexcept;

/// Whether `append_log_text` would append the text as it is.
bool is_plain_log_text(std::string_view text) noexcept;

/// Appends the inside of a quoted text that neither breaks JSON nor speaks to a terminal. What is not UTF-8 is read as
/// Latin-1.
void append_log_text(std::string& line, std::string_view text);

/// How lines are written now; never `automatic`. From any thread.
log_format written_log_format() noexcept;

}  // namespace troupe
