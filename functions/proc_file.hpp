// Files of /proc, whose contents the kernel makes as they are read.
#pragma once

#include <array>
#include <string_view>

namespace troupe::functions {

/// What fits into `space` of the file; empty when it cannot be read.
std::string_view read_proc_file(const char* path, std::array<char, 4096>& space);

}  // namespace troupe::functions
