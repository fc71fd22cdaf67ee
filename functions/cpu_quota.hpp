// How much processor time the cgroup of this process allows, as a container's `--cpus` sets it.
#pragma once

#include <filesystem>
#include <optional>

namespace troupe::functions {

/// Processors, rounded up, that the quotas of this process's cgroup and of those above it allow, at least 1; nothing
/// where there is no quota. Both versions of cgroups.
/// @param groups   where they are mounted.
/// @param process  of this process: which ones it is in.
std::optional<unsigned> cores_in_quota(const std::filesystem::path& groups = "/sys/fs/cgroup",
                                       const std::filesystem::path& process = "/proc/self/cgroup");

}  // namespace troupe::functions
