// What the cgroup of this process allows, as a container's `--cpus` and `--memory` set it, and `CPUQuota=` and
// `MemoryMax=` of a systemd unit. Both versions of cgroups.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace troupe::functions {

/// Processors, rounded up, that the quotas of this process's cgroup and of those above it allow, at least 1; nothing
/// where there is no quota.
/// @param groups   where they are mounted.
/// @param process  of this process: which ones it is in.
std::optional<unsigned> cores_in_quota(const std::filesystem::path& groups = "/sys/fs/cgroup",
                                       const std::filesystem::path& process = "/proc/self/cgroup");

/// Bytes of memory that this process's cgroup and those above it allow, before the kernel ends processes in them;
/// nothing where there is no limit. Of the first version, where no limit is a number as well, that may be more than any
/// machine has.
std::optional<std::uint64_t> memory_limit_bytes(const std::filesystem::path& groups = "/sys/fs/cgroup",
                                                const std::filesystem::path& process = "/proc/self/cgroup");

}  // namespace troupe::functions
