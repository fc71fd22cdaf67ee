#include "actors/function_logs.hpp"

namespace troupe::actors {

namespace {

/// What a kept line costs beside its text.
constexpr std::size_t line_overhead = sizeof(log_line) + 32;

}  // namespace

void function_log_ring::write(std::string_view invocation_id, std::string_view line, line_form form) {
  const auto now = wall_now().count();
  const std::lock_guard lock{mutex_};
  if (now / 1000 != second_) {
    second_ = now / 1000;
    taken_this_second_ = 0;
  }
  const auto cost = line.size() + line_overhead;
  if (taken_this_second_ + cost > max_bytes_per_s || cost > max_bytes) {
    ++dropped_;
    return;
  }
  taken_this_second_ += cost;
  bytes_ += cost;
  lines_.push_back({now, std::string{invocation_id}, std::string{line}, form});
  while (bytes_ > max_bytes) {
    bytes_ -= lines_.front().text.size() + line_overhead;
    lines_.pop_front();
  }
}

function_log_ring::contents function_log_ring::read() const {
  const std::lock_guard lock{mutex_};
  return {{lines_.begin(), lines_.end()}, dropped_};
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
    found = std::make_shared<function_log_ring>();
  return found;
}

void function_logs::forget(const uuid& function) {
  const std::lock_guard lock{mutex_};
  rings_.erase(function);
}

}  // namespace troupe::actors
