#include "functions/processor_use.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "functions/proc_file.hpp"

namespace troupe::functions {

namespace {

duration read_clock(clockid_t which) {
  timespec time{};
  if (::clock_gettime(which, &time) != 0)
    return {};
  return seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// The second number of a `schedstat`: nanoseconds on a queue of the scheduler.
duration read_starved(const char* path) {
  std::array<char, 4096> space;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  const auto text = read_proc_file(path, space);
  const auto second = std::min(text.find(' '), text.size());
  std::int64_t ns = 0;
  if (second < text.size())
    std::from_chars(text.data() + second + 1, text.data() + text.size(), ns);
  return duration{ns};
}

}  // namespace

processor_use processor_use_of(pid_t pid) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/schedstat", pid);
  clockid_t whole{};
  if (::clock_getcpuclockid(pid, &whole) != 0)
    return {};
  return {read_clock(whole), read_starved(path.data())};
}

processor_use processor_use_of_this_thread() {
  return {read_clock(CLOCK_THREAD_CPUTIME_ID), read_starved("/proc/thread-self/schedstat")};
}

void thread_share::look(time_point now, const processor_use& use) noexcept {
  const auto passed = now - looked_at_;
  if (looked_at_ != time_point{}) {
    const auto ran = static_cast<double>((use.ran - last_.ran).count());
    const auto able = static_cast<double>((passed - (use.starved - last_.starved)).count());
    value_ = std::clamp(ran / std::max(able, std::max(ran, 1.0)), 0.0, 1.0);
  }
  last_ = use;
  looked_at_ = now;
}

}  // namespace troupe::functions
