#include "http/access_log.hpp"

#include "http/outcome_reply.hpp"

namespace troupe::http {

namespace {

/// In milliseconds, to the microsecond: digits behind that say nothing.
double rounded(duration length) {
  return milliseconds_of(std::chrono::duration_cast<std::chrono::microseconds>(length));
}

}  // namespace

void access_log::write(const access_entry& entry) {
  if (lines_.size() >= max_collected_bytes)
    flush();
  const auto cause = static_cast<std::size_t>(entry.cause) == 0 ? std::string_view{} : to_string(entry.cause);
  append_log_line(
      lines_, level_of(entry.status), "request",
      {{"method", entry.method},
       {"path", entry.path},
       {"status", entry.status},
       {"route", entry.route},
       {"function", entry.function},
       {"cause", cause},
       {"bytes", entry.bytes},
       {"total_ms", rounded(entry.total)},
       {"queue_ms", rounded(entry.queued)},
       {"cold_ms", rounded(entry.started)},
       {"run_ms", rounded(entry.ran)},
       {"peer", entry.peer},
       {"request_id", entry.request_id.view()},
       {"invocation_id", entry.invocation_id != nullptr ? to_string(*entry.invocation_id) : std::string{}}});
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
