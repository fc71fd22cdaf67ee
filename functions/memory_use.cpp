#include "functions/memory_use.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>
#include <vector>

#include "functions/proc_file.hpp"

namespace troupe::functions {

namespace {

constexpr std::size_t max_processes = 256;

/// The number of kilobytes behind `VmRSS:` and the like.
std::uint64_t field_kb(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == text.npos)
    return 0;
  text.remove_prefix(at + name.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void append_children(pid_t pid, std::vector<pid_t>& out) {
  std::array<char, 64> path{};
  std::array<char, 4096> space;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  std::snprintf(path.data(), path.size(), "/proc/%d/task/%d/children", pid, pid);
  const auto list = read_proc_file(path.data(), space);
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end && out.size() < max_processes) {
    pid_t child = 0;
    const auto [next, problem] = std::from_chars(at, end, child);
    if (problem == std::errc{})
      out.push_back(child);
    at = next + 1;
  }
}

}  // namespace

memory_use memory_of(pid_t pid) {
  memory_use use;
  std::array<char, 64> path{};
  std::array<char, 4096> space;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  std::vector<pid_t> family{pid};
  for (std::size_t i = 0; i < family.size(); ++i) {
    std::snprintf(path.data(), path.size(), "/proc/%d/status", family[i]);
    const auto status = read_proc_file(path.data(), space);
    use.resident_kb += field_kb(status, "\nVmRSS:");
    if (i == 0)
      use.peak_kb = field_kb(status, "\nVmHWM:");
    append_children(family[i], family);
  }
  return use;
}

}  // namespace troupe::functions
