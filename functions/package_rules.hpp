// What the paths and links of a code package may look like, so that writing one out never touches anything outside its
// folder. Used for manifests and archives alike, before the first byte is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/errc.hpp"

namespace troupe::functions {

inline constexpr std::uint64_t max_package_bytes = 250ull * 1024 * 1024;  ///< unpacked, all files together (as Lambda)
inline constexpr std::size_t max_package_entries = 100'000;
inline constexpr std::size_t max_package_path = 1'024;  ///< bytes, of a path or a link's target

/// A relative path of 1 to 1,024 bytes of UTF-8 without control characters, whose segments have 1 to 255 bytes and are
/// neither `.` nor `..`.
/// @returns `errc::bad_usage` quoting the path.
expected<void> check_package_path(std::string_view path);

struct package_node {
  enum class kind_type : std::uint8_t { file, folder, link };
  std::string_view path;
  kind_type kind = kind_type::file;
  std::string_view target;  ///< of a link
};

/// Checks each path, and that they fit together: none twice, no file or link that something else lies in, and links
/// that are relative and lead, through each other, to places inside the package. Where a link leads need not exist.
/// @returns `errc::bad_usage` naming the path at fault, `errc::too_big` above `max_package_entries`.
expected<void> check_package_tree(std::vector<package_node> nodes);

}  // namespace troupe::functions
