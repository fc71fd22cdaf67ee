// What the node has to say: events with a name and fields, as lines for humans on a terminal and as JSON elsewhere. An
// error is logged once, by whoever stops passing it on. The library behind it is known to log.cpp only.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "config/clock.hpp"

namespace troupe {

enum class log_level : std::uint8_t { debug, info, warning, error };

/// `automatic`: human when the output is a terminal, else JSON.
enum class log_format : std::uint8_t { automatic, human, json };

struct log_options {
  log_level level = log_level::info;  ///< the lowest that is written
  log_format format = log_format::automatic;
  std::uint64_t max_queued_lines = 4096;  ///< then the oldest waiting line is dropped and counted
  int output = 2;                         ///< file descriptor; not closed
  milliseconds flush_timeout{2000};       ///< how long `stop_log` may wait for an output that takes nothing
};

class log_value {
public:
  log_value(std::string_view text) : value_{text} {}
  log_value(const char* text) : value_{std::string_view{text}} {}
  log_value(const std::string& text) : value_{std::string_view{text}} {}
  log_value(bool flag) : value_{flag} {}
  log_value(double number) : value_{number} {}
  template <std::signed_integral T>
  log_value(T number) : value_{std::int64_t{number}} {}
  template <std::unsigned_integral T>
  log_value(T number) : value_{std::uint64_t{number}} {}

  const auto& get() const noexcept { return value_; }

private:
  std::variant<std::string_view, bool, double, std::int64_t, std::uint64_t> value_;
};

/// A field of an event. Keys are `snake_case` and carry their unit (`_ms`, `_bytes`).
struct log_field {
  std::string_view key;
  log_value value;
};

/// Writes one line: `log_event(log_level::info, "node_started", {{"http", address}, {"loops", 2}})`. From any thread;
/// never waits for the output. Before `start_log` and after `stop_log` only warnings and errors are written, at once,
/// to stderr. Any bytes are allowed in values: what is not UTF-8 is read as Latin-1, control characters are escaped.
void log_event(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});

/// Appends the line that `log_event` would write, for those who collect many and hand them over at once.
void append_log_line(std::string& lines, log_level level, std::string_view event,
                     std::initializer_list<log_field> fields);

/// Writes complete lines of `append_log_line`, `count` of them, at best 32 KB at a time. From any thread; never waits:
/// while the output is behind they are dropped and counted.
void log_lines(std::string_view lines, std::size_t count);

/// Whether such a line would be written: asked where its fields are costly to make.
bool log_enabled(log_level level) noexcept;

/// Lines lost since the program began: the queue was full, or the output failed.
std::uint64_t dropped_log_lines() noexcept;

/// Starts the writing thread, which blocks all signals. Call it after the last fork and before threads that log. A
/// second call replaces the first one's options.
void start_log(const log_options& options);

/// Another level and form for the lines from now on; nothing is lost. While no log runs it does nothing. From any
/// thread.
void adjust_log(log_level level, log_format format);

/// Writes what is queued, within `flush_timeout`, and ends the thread. Does nothing when none runs.
void stop_log();

}  // namespace troupe
