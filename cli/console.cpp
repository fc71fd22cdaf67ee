#include "cli/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace troupe::cli {

namespace {

constexpr milliseconds patience{1'000};
constexpr milliseconds terminal_interval{100};
constexpr milliseconds plain_interval{3'000};
constexpr std::size_t gap = 2;
/// Of a terminal that does not tell.
constexpr std::size_t default_columns = 80;
constexpr std::int64_t minute_s = 60;
constexpr std::int64_t hour_s = 60 * minute_s;
constexpr std::int64_t day_s = 24 * hour_s;

/// Columns of a terminal: continuation bytes of UTF-8 take none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

/// At most `columns` wide, with an ellipsis for what is missing.
std::string shortened(const std::string& text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t used = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && ++used == columns)
      break;
  }
  return text.substr(0, end) + "\u2026";
}

void write_to(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

std::string table(const table_row& headings, const std::vector<table_row>& rows, std::size_t terminal_columns) {
  std::vector<table_row> lines{headings};
  lines.insert(lines.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths(headings.size(), 0);
  for (auto& line : lines)
    for (std::size_t column = 0; column < widths.size(); ++column) {
      line[column] = without_controls(std::move(line[column]));
      widths[column] = std::max(widths[column], width_of(line[column]));
    }
  std::string out;
  for (const auto& line : lines) {
    std::size_t used = 0;
    for (std::size_t column = 0; column + 1 < line.size(); ++column) {
      out += line[column];
      out.append(terminal_columns == 0 ? "\t" : std::string(widths[column] - width_of(line[column]) + gap, ' '));
      used += widths[column] + gap;
    }
    const bool fits = terminal_columns == 0 || used + width_of(line.back()) <= terminal_columns;
    // A terminal that is too narrow for the other columns wraps them anyway: then nothing is gained by cutting.
    const bool cut = !fits && used + width_of(headings.back()) <= terminal_columns;
    out += cut ? shortened(line.back(), terminal_columns - used) : line.back();
    out += '\n';
  }
  return out;
}

std::size_t terminal_columns() noexcept {
  if (::isatty(STDOUT_FILENO) != 1)
    return 0;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : default_columns;
}

std::string human_age(milliseconds age) {
  const auto whole = std::max<std::int64_t>(std::chrono::duration_cast<seconds>(age).count(), 0);
  if (whole < minute_s)
    return std::to_string(whole) + "s";
  if (whole < hour_s)
    return std::to_string(whole / minute_s) + "m";
  return whole < 2 * day_s ? std::to_string(whole / hour_s) + "h" : std::to_string(whole / day_s) + "d";
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array units = {"bytes", "KB", "MB", "GB"};
  if (bytes < 1024)
    return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text.data();
}

std::string readable(const std::string& message) {
  const auto brace = message.find('{');
  if (brace == message.npos)
    return message;
  const auto payload = nlohmann::ordered_json::parse(message.substr(brace), nullptr, false);
  if (!payload.is_object() || !payload.contains("errorMessage") || !payload["errorMessage"].is_string())
    return message;
  const auto words = payload["errorMessage"].get<std::string>();
  auto text = message.substr(0, brace) + words;
  const auto trace = payload.value("trace", nlohmann::ordered_json::array());
  for (const auto& line : trace) {
    const auto frame = line.is_string() ? line.get<std::string>() : std::string{};
    // The runtime's own frames say nothing about the user's code; the first line repeats the message.
    const bool repeats = frame.find(words) != frame.npos;
    if (frame.find_first_not_of(' ') != frame.npos && !repeats && frame.find("(node:internal") == frame.npos)
      text += "\n  " + frame;
  }
  return text;
}

void print_json(const nlohmann::ordered_json& value) {
  write_to(stdout, value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

int report(const client_options& client, const admin_failure& failure) {
  if (client.json) {
    nlohmann::ordered_json body{{"error", {{"code", failure.code}, {"message", failure.message}}}};
    for (const auto& fault : failure.faults)
      body["error"]["faults"].push_back({{"message", fault}});
    write_to(stderr, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else if (!failure.faults.empty()) {
    for (const auto& fault : failure.faults)
      write_to(stderr, "troupe: " + fault + "\n");
  } else {
    write_to(stderr, "troupe: " + readable(failure.message) + "\n");
  }
  return failure.usage ? exit_usage : exit_failed;
}

progress_line::progress_line() : terminal_{::isatty(STDERR_FILENO) == 1} {
  start();
}

void progress_line::start() {
  finish();
  started_ = clock::now();
  next_ = started_ + patience;
}

void progress_line::show(std::string_view text) {
  const auto now = clock::now();
  if (now < next_)
    return;
  next_ = now + (terminal_ ? terminal_interval : plain_interval);
  write_to(stderr, terminal_ ? "\r\033[K" + std::string{text} : std::string{text} + "\n");
  shown_ = true;
}

void progress_line::finish() {
  if (shown_ && terminal_)
    write_to(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace troupe::cli
