// What /proc tells a subreaper about the processes below it, and how to end them.
#pragma once

#include <sys/types.h>

#include <string>
#include <unordered_set>
#include <vector>

namespace troupe::functions {

/// The children of the calling thread, with those whose parents have ended; `otherwise` when /proc does not tell.
std::vector<pid_t> children_of_this_process(std::vector<pid_t> otherwise);

enum class holds { no, yes, unknown };

/// Whether the environment that the process was started with holds one of these `NAME=value`. Unknown when it has none
/// or may not be read: so it looks for a moment during exec, too, but then not a second time.
holds environment_entry(pid_t pid, const std::unordered_set<std::string>& entries);

/// SIGKILL for a child, and for its process group when it leads one.
void kill_with_group(pid_t child);

}  // namespace troupe::functions
