// What functions print, per function, newest kept: a ring of 1 MB each, and at most 1 MB/s taken. Never blocks for
// longer than a copy; what does not fit is dropped and counted.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/clock.hpp"
#include "functions/native_library.hpp"

namespace troupe::actors {

/// Whether a line already says when and in which call it was written: those of a shim's console do.
enum class line_form : std::uint8_t { bare, complete };

struct log_line {
  std::int64_t unix_ms = 0;
  std::string invocation_id;  ///< empty when the line belongs to no call
  std::string text;
  line_form form = line_form::bare;
};

/// The lines of one function. From any thread.
class function_log_ring {
public:
  static constexpr std::size_t max_bytes = 1 << 20;
  static constexpr std::size_t max_bytes_per_s = 1 << 20;

  void write(std::string_view invocation_id, std::string_view line, line_form form = line_form::bare);
  struct contents {
    std::vector<log_line> lines;  ///< oldest first
    std::uint64_t dropped = 0;    ///< because they came too fast
  };
  contents read() const;

private:
  mutable std::mutex mutex_;
  std::deque<log_line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::int64_t second_ = 0;
  std::size_t taken_this_second_ = 0;
};

/// All rings by function id. From any thread.
class function_logs final : public functions::function_log {
public:
  void write(const functions::invocation& call, std::string_view line) noexcept override;
  std::shared_ptr<function_log_ring> ring(const uuid& function);
  void forget(const uuid& function);

private:
  std::mutex mutex_;
  std::unordered_map<uuid, std::shared_ptr<function_log_ring>> rings_;
};

}  // namespace troupe::actors
