#include "cli/console.hpp"

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

/// Columns of a terminal: continuation bytes of UTF-8 take none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void write_to(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

std::string table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    widths.push_back(width_of(headings[column]));
    for (const auto& row : rows)
      widths[column] = std::max(widths[column], width_of(row[column]));
  }
  std::string out;
  const auto append = [&](const std::vector<std::string>& row) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      out += row[column];
      if (column + 1 < row.size())
        out.append(widths[column] - width_of(row[column]) + 2, ' ');
    }
    out += '\n';
  };
  append(headings);
  for (const auto& row : rows)
    append(row);
  return out;
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
    const nlohmann::ordered_json body{{"error", {{"code", failure.code}, {"message", failure.message}}}};
    write_to(stderr, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
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
