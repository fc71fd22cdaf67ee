// What the commands write: tables and JSON on stdout, progress and errors on stderr.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "config/clock.hpp"

namespace troupe::cli {

using table_row = std::vector<std::string>;

/// Rows under their headings. For people: columns as wide as their widest cell, the last one cut where the terminal
/// ends. For programs: one tab between cells, nothing cut. Control characters become `?` in both.
/// @param terminal_columns  0 for programs.
std::string table(const table_row& headings, const std::vector<table_row>& rows, std::size_t terminal_columns);

/// Of standard output; 0 when it is no terminal.
std::size_t terminal_columns() noexcept;

/// `12s`, `5m`, `3h`, `40d`: whole units, rounded down.
std::string human_age(milliseconds age);

/// `1.4 MB`, powers of 1,024.
std::string human_bytes(std::uint64_t bytes);

/// A message that ends in the error of a handler, as Lambda puts it (`... : {"errorType":...}`), with that error in
/// words and the interesting lines of its trace below; any other message as it is.
std::string readable(const std::string& message);

void print_json(const nlohmann::ordered_json& value);

/// Says on stderr what went wrong, as JSON when the command was asked for it. @returns the exit code.
int report(const client_options& client, const admin_failure& failure);

/// One line on stderr about a step that takes longer than a second: rewritten in place on a terminal, else a line of
/// its own every few seconds.
class progress_line {
public:
  progress_line();
  ~progress_line() { finish(); }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  /// A new step begins: its second starts now.
  void start();
  /// Shows `text` if the step has lasted long enough and the last line is not too fresh.
  void show(std::string_view text);
  /// Takes the line away from a terminal.
  void finish();

private:
  bool terminal_ = false;
  bool shown_ = false;
  time_point started_;
  time_point next_;
};

}  // namespace troupe::cli
