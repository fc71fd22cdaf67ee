#include "functions/processor_use.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <system_error>

#include "functions/proc_file.hpp"

namespace troupe::functions {

namespace {

std::optional<duration> read_clock(clockid_t which) {
  timespec time{};
  if (::clock_gettime(which, &time) != 0)
    return std::nullopt;
  return seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::optional<duration> read_starved(const char* path) {
  std::array<char, 4096> space;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  return starved_by(read_proc_file(path, space));
}

}  // namespace

std::optional<duration> starved_by(std::string_view schedstat) noexcept {
  // Nanoseconds on a processor, nanoseconds on a queue, turns; whoever can be asked for has run.
  std::int64_t ran_ns = 0, queued_ns = 0;
  const char* end = schedstat.data() + schedstat.size();
  const auto first = std::from_chars(schedstat.data(), end, ran_ns);
  if (first.ec != std::errc{} || first.ptr == end || ran_ns == 0 ||
      std::from_chars(first.ptr + 1, end, queued_ns).ec != std::errc{})
    return std::nullopt;
  return duration{queued_ns};
}

std::optional<processor_use> processor_use_of(pid_t pid) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/schedstat", pid);
  clockid_t whole{};
  if (::clock_getcpuclockid(pid, &whole) != 0)
    return std::nullopt;
  const auto ran = read_clock(whole);
  if (!ran)
    return std::nullopt;
  return processor_use{*ran, read_starved(path.data())};
}

processor_use processor_use_of_this_thread() {
  return {read_clock(CLOCK_THREAD_CPUTIME_ID).value_or(duration{}), read_starved("/proc/thread-self/schedstat")};
}

void thread_share::look(time_point now, const processor_use& use) noexcept {
  const auto passed = now - looked_at_;
  if (looked_at_ != time_point{}) {
    const auto ran = static_cast<double>((use.ran - last_.ran).count());
    const auto starved = use.starved.value_or(duration{}) - last_.starved.value_or(duration{});
    const auto able = static_cast<double>((passed - starved).count());
    value_ = std::clamp(ran / std::max(able, std::max(ran, 1.0)), 0.0, 1.0);
  }
  last_ = use;
  looked_at_ = now;
}

}  // namespace troupe::functions
