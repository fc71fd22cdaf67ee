#include "actors/function_logs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "config/ids.hpp"

namespace troupe::actors {

namespace {

/// Room for an entry's fixed part and the deque's and allocator's share of it.
constexpr std::size_t entry_overhead = 128;
/// With less than this left, a second counts as full: or lines just too long for the rest would each be looked at.
constexpr std::size_t least_left = 1024;

double milliseconds_of(duration length) {
  return std::chrono::duration<double, std::milli>(length).count();
}

/// Lambda's words (specs: lambda-runtime-api 6); it bills started milliseconds.
std::string report_text(const call_report& report) {
  std::array<char, 320> text{};
  const auto id = to_string(report.invocation);
  const auto ran_ms = milliseconds_of(report.ran);
  const auto init_ms = milliseconds_of(report.init);
  auto length = std::snprintf(text.data(), text.size(),
                              "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %u MB\t"
                              "Max Memory Used: %llu MB\t",
                              id.c_str(), ran_ms, std::ceil(ran_ms + init_ms), report.memory_mb,
                              static_cast<unsigned long long>((report.max_memory_kb + 1023) / 1024));
  std::string line{text.data(), static_cast<std::size_t>(length)};
  if (report.init > duration{}) {
    length = std::snprintf(text.data(), text.size(), "Init Duration: %.2f ms\t", init_ms);
    line.append(text.data(), static_cast<std::size_t>(length));
  }
  if (report.failure == errc::function_timeout)
    line.append("Status: timeout");
  else if (report.failure == errc::memory_exceeded)
    line.append("Status: error\tError Type: Runtime.OutOfMemory");
  else if (report.failure != errc{})
    line.append("Status: error\tError Type: Runtime.ExitError");
  return line;
}

}  // namespace

std::size_t function_log_ring::cost_of(const entry& what) {
  const auto* line = std::get_if<printed>(&what.what);
  return entry_overhead + (line == nullptr ? 0 : line->text.size());
}

/// Only what the handler itself prints is held to the rate: it must not lose lines to those that mark its calls.
bool function_log_ring::admits(std::size_t cost, std::int64_t now_ms) noexcept {
  if (now_ms / 1000 != second_) {
    second_ = now_ms / 1000;
    taken_this_second_ = 0;
  }
  return !full() && taken_this_second_ + cost <= max_bytes_per_s && cost <= max_bytes;
}

bool function_log_ring::full() const noexcept {
  return taken_this_second_ + least_left > max_bytes_per_s;
}

void function_log_ring::count_dropped(std::uint64_t lines) noexcept {
  dropped_ += lines;
  if (dropped_of_all_ != nullptr)
    dropped_of_all_->fetch_add(lines, std::memory_order_relaxed);
}

void function_log_ring::add(std::size_t cost, std::int64_t now_ms, std::variant<printed, started, call_report>&& what) {
  entries_.push_back({next_++, now_ms, std::move(what)});
  bytes_ += cost;
  while (bytes_ > max_bytes) {
    bytes_ -= cost_of(entries_.front());
    entries_.pop_front();
  }
}

bool function_log_ring::write(std::string_view invocation_id, std::string_view line, line_form form) {
  const auto cost = entry_overhead + line.size();
  const auto now_ms = wall_now().count();
  const std::lock_guard lock{mutex_};
  // Before anything is made of it: whoever prints without end costs the loop that reads it little.
  if (!admits(cost, now_ms)) {
    count_dropped(1);
    return false;
  }
  add(cost, now_ms, printed{std::string{invocation_id}, std::string{line}, form});
  taken_this_second_ += cost;
  return true;
}

bool function_log_ring::is_full() const {
  const auto now_ms = wall_now().count();
  const std::lock_guard lock{mutex_};
  return now_ms / 1000 == second_ && full();
}

void function_log_ring::drop(std::uint64_t lines) {
  const std::lock_guard lock{mutex_};
  count_dropped(lines);
}

void function_log_ring::write_start(const uuid& invocation) {
  const auto now_ms = wall_now().count();
  const std::lock_guard lock{mutex_};
  add(entry_overhead, now_ms, started{invocation});
}

void function_log_ring::write_report(const call_report& report) {
  const auto now_ms = wall_now().count();
  const std::lock_guard lock{mutex_};
  add(entry_overhead, now_ms, report);
}

void function_log_ring::append_lines(const entry& what, std::vector<log_line>& out) {
  const auto add_line = [&](std::string id, std::string text, line_form form) {
    out.push_back({what.sequence, what.unix_ms, std::move(id), std::move(text), form});
  };
  if (const auto* line = std::get_if<printed>(&what.what)) {
    add_line(line->invocation_id, line->text, line->form);
  } else if (const auto* start = std::get_if<started>(&what.what)) {
    auto id = to_string(start->invocation);
    auto text = "START RequestId: " + id + " Version: $LATEST";
    add_line(std::move(id), std::move(text), line_form::complete);
  } else {
    const auto& report = std::get<call_report>(what.what);
    const auto id = to_string(report.invocation);
    add_line(id, "END RequestId: " + id, line_form::complete);
    add_line(id, report_text(report), line_form::complete);
  }
}

function_log_ring::contents function_log_ring::read(std::uint64_t from, std::size_t room) const {
  contents result;
  const std::lock_guard lock{mutex_};
  result.dropped = dropped_;
  result.next = next_;
  const auto begin = std::lower_bound(entries_.begin(), entries_.end(), from,
                                      [](const entry& e, std::uint64_t number) { return e.sequence < number; });
  const auto first = begin == entries_.end() ? next_ : begin->sequence;
  const auto wanted = std::max<std::uint64_t>(from, 1);
  if (first > wanted)
    result.overwritten = first - wanted;
  std::size_t taken = 0;
  for (auto each = begin; each != entries_.end(); ++each) {
    taken += cost_of(*each);
    if (taken > room && each != begin) {
      result.next = each->sequence;
      result.more = true;
      break;
    }
    append_lines(*each, result.lines);
  }
  return result;
}

std::uint64_t function_log_ring::next() const {
  const std::lock_guard lock{mutex_};
  return next_;
}

std::string function_log_ring::tail(const uuid& invocation, std::uint64_t from) const {
  const auto kept = read(from);
  const auto id = to_string(invocation);
  std::vector<const log_line*> chosen;
  std::size_t bytes = 0;
  for (auto line = kept.lines.rbegin(); line != kept.lines.rend(); ++line) {
    if (!line->invocation_id.empty() && line->invocation_id != id)
      continue;
    if (bytes + line->text.size() + 1 > max_tail_bytes)
      break;
    bytes += line->text.size() + 1;
    chosen.push_back(&*line);
  }
  std::string text;
  text.reserve(bytes);
  for (auto line = chosen.rbegin(); line != chosen.rend(); ++line)
    text.append((*line)->text).push_back('\n');
  return text;
}

std::string log_id_of(const uuid& incarnation, const uuid& function) {
  return to_string(sha256(to_string(incarnation) + "/" + to_string(function))).substr(0, 16);
}

void function_logs::write(const functions::invocation& call, std::string_view line) noexcept {
  char id[36];
  format(call.invocation_id, id);
  try {
    ring(call.function->id)->write({id, sizeof id}, line);
  } catch (const std::bad_alloc&) {
    // A line less; the call that printed it goes on.
  }
}

std::shared_ptr<function_log_ring> function_logs::ring(const uuid& function) {
  const std::lock_guard lock{mutex_};
  auto& found = rings_[function];
  if (!found)
    found = std::make_shared<function_log_ring>(dropped_);
  return found;
}

std::shared_ptr<const function_log_ring> function_logs::find(const uuid& function) {
  const std::lock_guard lock{mutex_};
  const auto found = rings_.find(function);
  return found == rings_.end() ? nullptr : found->second;
}

void function_logs::forget(const uuid& function) {
  const std::lock_guard lock{mutex_};
  rings_.erase(function);
}

}  // namespace troupe::actors
