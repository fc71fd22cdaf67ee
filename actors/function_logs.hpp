// What functions print, per function, newest kept, with the lines that mark each call: a ring of 1 MB each, and at most
// 1 MB/s taken. Never blocks for longer than a copy; what does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "config/clock.hpp"
#include "functions/native_library.hpp"

namespace troupe::actors {

/// Whether a line already says when and in which call it was written: those of a shim's console do.
enum class line_form : std::uint8_t { bare, complete };

/// How a call went, for its END and REPORT lines.
struct call_report {
  uuid invocation;
  duration ran{};
  duration init{};  ///< of the start that this call waited for; zero when the instance was warm
  std::uint32_t memory_mb = 0;
  std::uint64_t max_memory_kb = 0;  ///< largest resident set of the instance so far
  errc failure = errc{};            ///< of a call that the instance did not survive or that timed out; else 0
};

/// A line as people read it.
struct log_line {
  std::uint64_t sequence = 0;  ///< rises by one per entry of the ring
  std::int64_t unix_ms = 0;
  std::string invocation_id;  ///< empty when the line belongs to no call
  std::string text;           ///< one line without its end
  line_form form = line_form::bare;
};

/// The lines of one function. From any thread.
class function_log_ring {
public:
  static constexpr std::size_t max_bytes = 1 << 20;
  static constexpr std::size_t max_bytes_per_s = 1 << 20;
  static constexpr std::size_t max_tail_bytes = 4096;

  /// @param dropped_of_all  counts with it what this one drops; null: nobody does.
  explicit function_log_ring(std::shared_ptr<std::atomic<std::uint64_t>> dropped_of_all = nullptr)
      : dropped_of_all_{std::move(dropped_of_all)} {}

  /// @returns whether it was taken; else it is counted as dropped.
  bool write(std::string_view invocation_id, std::string_view line, line_form form = line_form::bare);
  /// Whether no line will be taken before the next second.
  bool is_full() const;
  /// Counts lines that nobody had to write to know it, as `is_full`.
  void drop(std::uint64_t lines);
  /// `START RequestId: <id> Version: $LATEST`
  void write_start(const uuid& invocation);
  /// `END RequestId: <id>` and `REPORT RequestId: <id> Duration: ...`. Formatted when somebody reads.
  void write_report(const call_report& report);

  struct contents {
    std::vector<log_line> lines;    ///< oldest first
    std::uint64_t dropped = 0;      ///< entries so far that came too fast
    std::uint64_t next = 0;         ///< what to give `read` for what comes after these
    std::uint64_t overwritten = 0;  ///< entries between `from` and the first line that the ring no longer holds
    bool more = false;              ///< `next` is kept: there was no room for it
  };
  /// What is kept from sequence number `from` on: at least one entry, and further ones up to `room` bytes.
  contents read(std::uint64_t from = 0, std::size_t room = max_bytes) const;
  /// The sequence number of the next entry.
  std::uint64_t next() const;
  /// What was written from `from` on and belongs to this call or to none, as Lambda's log shows it: at most the last
  /// `max_tail_bytes`, whole lines.
  std::string tail(const uuid& invocation, std::uint64_t from) const;

private:
  struct printed {
    std::string invocation_id;
    std::string text;
    line_form form;
  };
  struct started {
    uuid invocation;
  };
  struct entry {
    std::uint64_t sequence;
    std::int64_t unix_ms;
    std::variant<printed, started, call_report> what;
  };

  /// With the lock held, as the next ones.
  bool full() const noexcept;
  bool admits(std::size_t cost, std::int64_t now_ms) noexcept;
  void add(std::size_t cost, std::int64_t now_ms, std::variant<printed, started, call_report>&& what);
  void count_dropped(std::uint64_t lines) noexcept;
  static std::size_t cost_of(const entry& what);
  static void append_lines(const entry& what, std::vector<log_line>& out);

  mutable std::mutex mutex_;
  std::deque<entry> entries_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::uint64_t dropped_ = 0;
  const std::shared_ptr<std::atomic<std::uint64_t>> dropped_of_all_;
  std::int64_t second_ = 0;
  std::size_t taken_this_second_ = 0;
};

/// Names the ring of a function at one start of a node: sixteen hex digits, as a journal's id.
std::string log_id_of(const uuid& incarnation, const uuid& function);

/// All rings by function id. From any thread.
class function_logs final : public functions::function_log {
public:
  void write(const functions::invocation& call, std::string_view line) noexcept override;
  std::shared_ptr<function_log_ring> ring(const uuid& function);
  /// Null when nothing was written for it here.
  std::shared_ptr<const function_log_ring> find(const uuid& function);
  void forget(const uuid& function);
  /// Entries of all rings so far that came too fast, those of forgotten ones included.
  std::uint64_t dropped() const noexcept { return dropped_->load(std::memory_order_relaxed); }

private:
  const std::shared_ptr<std::atomic<std::uint64_t>> dropped_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::mutex mutex_;
  std::unordered_map<uuid, std::shared_ptr<function_log_ring>> rings_;
};

}  // namespace troupe::actors
