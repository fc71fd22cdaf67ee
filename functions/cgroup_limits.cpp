#include "functions/cgroup_limits.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

namespace troupe::functions {

namespace {

namespace fs = std::filesystem;

/// In processors.
std::optional<double> quota_of(const fs::path& group) {
  double quota_us = 0, period_us = 0;
  // `max` instead of a number is no quota, and neither is -1.
  if (std::ifstream second{group / "cpu.max"}; !(second >> quota_us >> period_us)) {
    std::ifstream quota{group / "cpu.cfs_quota_us"}, period{group / "cpu.cfs_period_us"};
    if (!(quota >> quota_us) || !(period >> period_us))
      return std::nullopt;
  }
  if (quota_us <= 0 || period_us <= 0)
    return std::nullopt;
  return quota_us / period_us;
}

/// In bytes.
std::optional<std::uint64_t> memory_of(const fs::path& group) {
  for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;
    // `max` instead of a number is no limit.
    if (std::ifstream file{group / name}; file >> bytes)
      return bytes;
  }
  return std::nullopt;
}

/// The least limit of this process's group and of those above it. @param limit_of  of one group, if it has any.
template <class Limit>
Limit least_limit(const fs::path& groups, const fs::path& process, const std::string& controller,
                  Limit (*limit_of)(const fs::path& group)) {
  Limit least;
  // A line is `ID:CONTROLLERS:PATH`; the second version's has no controllers. In a container the path may be that
  // outside of it: what does not exist here is passed over, up to the root, which is the container's own.
  std::ifstream lines{process};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos)
      continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && ("," + controllers + ",").find("," + controller + ",") == std::string::npos)
      continue;
    const auto root = groups / controllers;
    auto path = fs::path{line.substr(second + 1)}.lexically_normal().relative_path();
    for (;; path = path.parent_path()) {
      if (const auto limit = limit_of(root / path))
        least = std::min(least.value_or(*limit), *limit);
      if (path.empty())
        break;
    }
  }
  return least;
}

}  // namespace

std::optional<unsigned> cores_in_quota(const fs::path& groups, const fs::path& process) {
  const auto least = least_limit(groups, process, "cpu", quota_of);
  if (!least)
    return std::nullopt;
  return std::max(1u, static_cast<unsigned>(std::ceil(std::min(*least, 1e6))));
}

std::optional<std::uint64_t> memory_limit_bytes(const fs::path& groups, const fs::path& process) {
  return least_limit(groups, process, "memory", memory_of);
}

}  // namespace troupe::functions
