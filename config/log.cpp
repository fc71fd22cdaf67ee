#include "config/log.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

#include "config/log_losses.hpp"
#include "config/log_text.hpp"

namespace troupe {

namespace {

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warning", "error"};

std::string_view name_of(log_level level) noexcept {
  return level_names[static_cast<std::size_t>(level)];
}

void append_time(std::string& line) {
  std::array<char, log_time_size> text;
  format_log_time(text);
  line.append(text.data(), text.size());
}

template <class Number>
void append_number(std::string& line, Number number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  line.append(text.data(), end);
}

enum class quoting { always, where_needed };

void append_value(std::string& line, const log_value& value, quoting quotes) {
  struct writer {
    std::string& line;
    quoting quotes;
    void operator()(std::string_view text) const {
      const bool bare = quotes == quoting::where_needed && !text.empty() &&
                        std::all_of(text.begin(), text.end(),
                                    [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '='; });
      if (bare) {
        line.append(text);
        return;
      }
      line.push_back('"');
      append_log_text(line, text);
      line.push_back('"');
    }
    void operator()(bool flag) const { line.append(flag ? "true" : "false"); }
    void operator()(double number) const {
      if (std::isfinite(number))
        append_number(line, number);
      else
        line.append("null");
    }
    void operator()(std::int64_t number) const { append_number(line, number); }
    void operator()(std::uint64_t number) const { append_number(line, number); }
  };
  std::visit(writer{line, quotes}, value.get());
}

void append_line(std::string& line, log_format format, log_level level, std::string_view event,
                 std::initializer_list<log_field> fields) {
  if (format == log_format::json) {
    line.append("{\"time\":\"");
    append_time(line);
    line.append("\",\"level\":\"").append(name_of(level)).append("\",\"event\":\"");
    append_log_text(line, event);
    line.push_back('"');
    for (const auto& field : fields) {
      line.append(",\"");
      append_log_text(line, field.key);
      line.append("\":");
      append_value(line, field.value, quoting::always);
    }
    line.append("}\n");
    return;
  }
  append_time(line);
  line.append(" ").append(name_of(level)).append(std::string_view{"       "}.substr(0, 8 - name_of(level).size()));
  line.append(event);
  for (const auto& field : fields) {
    line.append(" ").append(field.key).append("=");
    append_value(line, field.value, quoting::where_needed);
  }
  line.push_back('\n');
}

std::string line_of(log_format format, log_level level, std::string_view event,
                    std::initializer_list<log_field> fields) {
  std::string line;
  line.reserve(160);
  append_line(line, format, level, event, fields);
  return line;
}

/// Of messages that hold many lines, to tell them from others; the level that readers see stands in the lines.
constexpr auto block_level = spdlog::level::debug;
/// What blocks that wait for an output that stands still may cost in memory.
constexpr std::size_t max_queued_bytes = 2 << 20;

/// The blocks among the messages in the queue and in the sink. A queue that is full gives up its oldest message for a
/// new one and counts it, but does not say what it was: its number does. Under `guard`.
struct queue_record {
  struct block {
    std::uint64_t number;  ///< of the message
    std::uint64_t lines;
    std::size_t bytes;
  };

  std::mutex guard;            ///< held for as long as it takes to queue a message, never while one is written
  std::uint64_t queued = 0;    ///< messages so far, which is the number of the next one
  std::uint64_t given_up = 0;  ///< of these, by the queue
  std::deque<block> blocks;    ///< that were queued and are neither written nor given up, oldest first
  std::size_t bytes = 0;       ///< of these

  void add_block(std::uint64_t lines, std::size_t size) {
    blocks.push_back({queued, lines, size});
    bytes += size;
  }
  /// @returns how many lines the message had if it was a block; it is none of `blocks` any more.
  std::optional<std::uint64_t> take_block(std::uint64_t number) {
    const auto found = std::lower_bound(blocks.begin(), blocks.end(), number,
                                        [](const block& each, std::uint64_t wanted) { return each.number < wanted; });
    if (found == blocks.end() || found->number != number)
      return std::nullopt;
    const auto lines = found->lines;
    bytes -= found->bytes;
    blocks.erase(found);
    return lines;
  }
  void take_oldest_block() {
    bytes -= blocks.front().bytes;
    blocks.pop_front();
  }
  void take_newest_block() {
    bytes -= blocks.back().bytes;
    blocks.pop_back();
  }
};

/// Writes lines that are complete already. `log` is for one thread at a time.
class line_sink final : public spdlog::sinks::sink {
public:
  explicit line_sink(int output) : output_{output} {}

  void log(const spdlog::details::log_msg& message) override {
    std::string_view rest{message.payload.data(), message.payload.size()};
    while (!rest.empty()) {
      pollfd ready{output_, POLLOUT, 0};
      // A pipe that is writable takes PIPE_BUF bytes without blocking: so the thread never hangs in `write` beyond a
      // stop.
      const bool hopeless = clock::now().time_since_epoch().count() >= give_up_at_.load(std::memory_order_relaxed);
      if (::poll(&ready, 1, hopeless ? 0 : 10) <= 0) {
        if (hopeless)
          break;
        continue;
      }
      const auto written = ::write(output_, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
      if (written < 0 && errno != EINTR && errno != EAGAIN)
        break;
      rest.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    const bool is_block = message.level == block_level;
    if (!rest.empty())
      (is_block ? lost_collected_ : lost_events_)
          .fetch_add(static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n')), std::memory_order_relaxed);
    if (is_block) {
      // Messages come in the order of their numbers: this block is the oldest that is left.
      const std::lock_guard lock{record.guard};
      record.take_oldest_block();
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  queue_record record;
  std::atomic<bool> refused{false};  ///< by spdlog, which tells nobody else: the message that was last to be queued

  /// Counts a message that never came here. From any thread.
  void lost_in_queue(std::optional<std::uint64_t> block_lines) {
    (block_lines ? lost_collected_ : lost_events_).fetch_add(block_lines.value_or(1), std::memory_order_relaxed);
  }
  void give_up_at(time_point when) { give_up_at_.store(when.time_since_epoch().count(), std::memory_order_relaxed); }
  log_losses lost() const noexcept {
    return {lost_events_.load(std::memory_order_relaxed), lost_collected_.load(std::memory_order_relaxed)};
  }

private:
  int output_;
  std::atomic<std::uint64_t> lost_events_{0};
  std::atomic<std::uint64_t> lost_collected_{0};
  std::atomic<duration::rep> give_up_at_{time_point::max().time_since_epoch().count()};
};

std::size_t queue_capacity(const log_options& options) noexcept {
  return std::max<std::size_t>(options.max_queued_lines, 1);
}

struct running_log {
  log_options options;
  std::shared_ptr<line_sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;

  /// @returns whether there was room. What waits in the queue is never given up for these.
  bool write_block(std::string_view lines, std::size_t count) {
    auto& record = sink->record;
    const std::lock_guard lock{record.guard};
    if (pool->queue_size() >= options.max_queued_lines / 2 || record.bytes + lines.size() > max_queued_bytes)
      return false;
    record.add_block(count, lines.size());
    if (!queue(block_level, lines)) {
      record.take_newest_block();
      return false;
    }
    return true;
  }
  void write(log_format format, log_level level, std::string_view event, std::initializer_list<log_field> fields) {
    const auto line = line_of(format, level, event, fields);
    const std::lock_guard lock{sink->record.guard};
    if (!queue(spdlog::level::info, line))
      sink->lost_in_queue({});
  }

private:
  /// Under the record's guard. @returns false when there is no memory for it.
  bool queue(spdlog::level::level_enum level, std::string_view text) {
    sink->refused = false;
    logger->log(level, spdlog::string_view_t{text.data(), text.size()});
    if (sink->refused)
      return false;
    auto& record = sink->record;
    const auto number = record.queued++;
    if (pool->overrun_counter() == record.given_up)
      return true;
    ++record.given_up;
    // It was full then, of the messages just before this one.
    sink->lost_in_queue(record.take_block(number - queue_capacity(options)));
    return true;
  }
};

struct log_state {
  std::shared_mutex guard;  // exclusive only while the log starts, stops or changes
  std::unique_ptr<running_log> running;
  std::atomic<std::uint64_t> lost_events{0};     ///< by logs that have ended
  std::atomic<std::uint64_t> lost_collected{0};  ///< by them, and for want of room
  std::atomic<log_level> level{log_level::warning};
  std::atomic<log_format> format{log_format::human};  ///< never `automatic`
};

/// Never destroyed: other static objects may log while the program ends.
log_state& state() {
  static auto* const only = new log_state;
  return *only;
}

log_format form_for(int output, log_format wanted) noexcept {
  if (wanted != log_format::automatic)
    return wanted;
  return ::isatty(output) == 1 ? log_format::human : log_format::json;
}

void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

void log_event(log_level level, std::string_view event, std::initializer_list<log_field> fields) {
  if (!log_enabled(level))
    return;
  auto& log = state();
  const std::shared_lock lock{log.guard};
  if (log.running != nullptr) {
    log.running->write(log.format.load(std::memory_order_relaxed), level, event, fields);
    return;
  }
  const auto line = line_of(log_format::human, level, event, fields);
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void append_log_line(std::string& lines, log_level level, std::string_view event,
                     std::initializer_list<log_field> fields) {
  append_line(lines, written_log_format(), level, event, fields);
}

void log_lines(std::string_view lines, std::size_t count) {
  auto& log = state();
  const std::shared_lock lock{log.guard};
  if (log.running == nullptr || !log.running->write_block(lines, count))
    log.lost_collected += count;
}

log_format written_log_format() noexcept {
  return state().format.load(std::memory_order_relaxed);
}

bool log_enabled(log_level level) noexcept {
  return level >= state().level.load(std::memory_order_relaxed);
}

log_losses lost_log_lines() noexcept {
  auto& log = state();
  const std::shared_lock lock{log.guard};
  log_losses all{log.lost_events, log.lost_collected};
  if (log.running != nullptr)
    all += log.running->sink->lost();
  return all;
}

std::uint64_t dropped_log_lines() noexcept {
  return lost_log_lines().all();
}

void start_log(const log_options& options) {
  stop_log();
  auto fresh = std::make_unique<running_log>();
  fresh->options = options;
  fresh->sink = std::make_shared<line_sink>(options.output);
  fresh->pool = std::make_shared<spdlog::details::thread_pool>(queue_capacity(options), 1, [] { block_signals(); });
  fresh->logger = std::make_shared<spdlog::async_logger>("troupe", fresh->sink, fresh->pool,
                                                         spdlog::async_overflow_policy::overrun_oldest);
  fresh->logger->set_level(block_level);
  fresh->logger->set_error_handler([sink = fresh->sink.get()](const std::string&) { sink->refused = true; });
  auto& log = state();
  const std::unique_lock lock{log.guard};
  log.running = std::move(fresh);
  log.level = options.level;
  log.format = form_for(options.output, options.format);
}

void adjust_log(log_level level, log_format format) {
  auto& log = state();
  const std::unique_lock lock{log.guard};
  if (log.running == nullptr)
    return;
  log.level = level;
  log.format = form_for(log.running->options.output, format);
}

void stop_log() {
  auto& log = state();
  std::unique_ptr<running_log> last;
  auto format = log_format::human;
  {
    const std::unique_lock lock{log.guard};
    last = std::move(log.running);
    format = log.format;
    log.level = log_level::warning;
    log.format = log_format::human;
  }
  if (last == nullptr)
    return;
  if (const auto dropped = last->sink->lost().all(); dropped != 0)
    last->write(format, log_level::warning, "log_lines_dropped", {{"count", dropped}});
  last->sink->give_up_at(clock::now() + last->options.flush_timeout);
  last->logger.reset();
  last->pool.reset();  // writes the rest and joins the thread
  const std::unique_lock lock{log.guard};
  const auto lost = last->sink->lost();
  log.lost_events += lost.events;
  log.lost_collected += lost.collected;
}

}  // namespace troupe
