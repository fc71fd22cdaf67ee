// Files that are written whole or not at all: new ones that a command makes for its user, and those that a node
// replaces.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "config/errc.hpp"

namespace troupe::cli {

/// Who may read a file.
enum class file_secrecy : mode_t { secret = 0600, open = 0644 };

/// Writes a new file and syncs it and its folder; when that fails there is none.
/// @returns `errc::refused` when something of that name is there already, `errc::io` or `errc::full` naming the path.
expected<void> write_new_file(const std::string& path, std::string_view contents, file_secrecy secrecy);

/// Puts a file in the place of whatever has that name, durably; when that fails the old one stays.
/// @returns `errc::io` or `errc::full` naming the path.
expected<void> replace_file(const std::string& path, std::string_view contents, file_secrecy secrecy);

/// What `write_new_file` refuses with.
tl::unexpected<error> exists_already(const std::string& path);

}  // namespace troupe::cli
