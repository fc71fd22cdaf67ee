#include "http/access_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "config/log_text.hpp"
#include "http/outcome_reply.hpp"

namespace troupe::http {

namespace {

/// Of a line without the texts that vary in length: keys, times, numbers and ids, with room to spare.
constexpr std::size_t fixed_part = 768;
/// Of what a handler says of its error as much as a line is for.
constexpr std::size_t max_detail_bytes = 1024;

std::chrono::microseconds rounded(duration length) {
  return std::chrono::duration_cast<std::chrono::microseconds>(length);
}

/// Puts characters where there is room for all of them.
class pen {
public:
  explicit pen(char* at) noexcept : at_{at} {}

  pen& put(std::string_view text) noexcept {
    at_ = std::copy(text.begin(), text.end(), at_);
    return *this;
  }
  pen& put(std::uint64_t number) noexcept {
    at_ = std::to_chars(at_, at_ + std::numeric_limits<std::uint64_t>::digits10 + 1, number).ptr;
    return *this;
  }
  /// In milliseconds, to the microsecond: digits behind that say nothing.
  pen& put(duration length) noexcept {
    const auto length_us = rounded(length).count();
    const auto size = static_cast<std::uint64_t>(length_us < 0 ? -length_us : length_us);
    if (length_us < 0)
      *at_++ = '-';
    put(size / 1000);
    if (const auto rest = static_cast<unsigned>(size % 1000); rest != 0) {
      const std::array<char, 4> digits = {'.', static_cast<char>('0' + rest / 100),
                                          static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
      const auto count = rest % 10 != 0 ? 4u : rest % 100 != 0 ? 3u : 2u;
      put(std::string_view{digits.data(), count});
    }
    return *this;
  }
  pen& put_time() noexcept {
    format_log_time(std::span<char, log_time_size>{at_, log_time_size});
    at_ += log_time_size;
    return *this;
  }
  pen& put(const uuid& id) noexcept {
    format(id, std::span<char, 36>{at_, 36});
    at_ += 36;
    return *this;
  }
  char* at() const noexcept { return at_; }

private:
  char* at_;
};

/// A text as it stands between quotes. What is not plain is rewritten, and kept as long as this.
class quoted_text {
public:
  explicit quoted_text(std::string_view text) : text_{text} {
    if (is_plain_log_text(text))
      return;
    append_log_text(rewritten_, text);
    text_ = rewritten_;
  }
  quoted_text(const quoted_text&) = delete;
  quoted_text& operator=(const quoted_text&) = delete;
  std::string_view view() const noexcept { return text_; }

private:
  std::string_view text_;
  std::string rewritten_;
};

std::string_view detail_of(const access_entry& entry) noexcept {
  return entry.detail.substr(0, max_detail_bytes);
}

/// What `append_log_line` would append, for a fraction of the cost: a busy gateway writes nothing else.
void append_json(std::string& lines, log_level level, const access_entry& entry) {
  const quoted_text method{entry.method};
  const quoted_text path{entry.path};
  const quoted_text route{entry.route};
  const quoted_text function{entry.function};
  const quoted_text peer{entry.peer};
  const quoted_text request_id{entry.request_id.view()};
  const quoted_text detail{detail_of(entry)};
  const auto begin = lines.size();
  lines.resize(begin + fixed_part + method.view().size() + path.view().size() + route.view().size() +
               function.view().size() + peer.view().size() + request_id.view().size() + entry.cause.size() +
               detail.view().size());
  pen line{lines.data() + begin};
  line.put("{\"time\":\"").put_time();
  line.put(level == log_level::warning ? std::string_view{"\",\"level\":\"warning"} : "\",\"level\":\"info");
  line.put("\",\"event\":\"request\",\"method\":\"").put(method.view());
  line.put("\",\"path\":\"").put(path.view());
  line.put("\",\"status\":").put(std::uint64_t{entry.status});
  line.put(",\"route\":\"").put(route.view());
  line.put("\",\"function\":\"").put(function.view());
  line.put("\",\"cause\":\"").put(entry.cause);
  line.put("\",\"bytes\":").put(std::uint64_t{entry.bytes});
  line.put(",\"total_ms\":").put(entry.total);
  line.put(",\"queue_ms\":").put(entry.queued);
  line.put(",\"cold_ms\":").put(entry.started);
  line.put(",\"run_ms\":").put(entry.ran);
  line.put(",\"peer\":\"").put(peer.view());
  line.put("\",\"request_id\":\"").put(request_id.view());
  line.put("\",\"invocation_id\":\"");
  if (entry.invocation_id != nullptr)
    line.put(*entry.invocation_id);
  line.put("\",\"detail\":\"").put(detail.view());
  line.put("\"}\n");
  lines.resize(static_cast<std::size_t>(line.at() - lines.data()));
}

/// For people at a terminal.
void append_human(std::string& lines, log_level level, const access_entry& entry) {
  const auto ms = [](duration length) { return milliseconds_of(rounded(length)); };
  append_log_line(lines, level, "request",
                  {{"method", entry.method},
                   {"path", entry.path},
                   {"status", entry.status},
                   {"route", entry.route},
                   {"function", entry.function},
                   {"cause", entry.cause},
                   {"bytes", entry.bytes},
                   {"total_ms", ms(entry.total)},
                   {"queue_ms", ms(entry.queued)},
                   {"cold_ms", ms(entry.started)},
                   {"run_ms", ms(entry.ran)},
                   {"peer", entry.peer},
                   {"request_id", entry.request_id.view()},
                   {"invocation_id", entry.invocation_id != nullptr ? to_string(*entry.invocation_id) : std::string{}},
                   {"detail", detail_of(entry)}});
}

}  // namespace

void access_log::write(const access_entry& entry) {
  if (lines_.size() >= max_collected_bytes)
    flush();
  const auto append = written_log_format() == log_format::json ? append_json : append_human;
  append(lines_, level_of(entry.status), entry);
  ++count_;
}

void access_log::flush() {
  if (count_ == 0)
    return;
  log_lines(lines_, count_);
  lines_.clear();
  count_ = 0;
}

}  // namespace troupe::http
