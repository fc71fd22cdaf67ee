// The central directory of a zip archive, read strictly from its bytes. libzip gives names as C strings and believes an
// archive that describes itself in two ways; what is read here tells such archives from honest ones before libzip runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/errc.hpp"

namespace troupe::functions {

struct zip_record {
  std::string_view name;  ///< raw bytes, may hold anything
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;  ///< as declared
  std::uint8_t host = 0;   ///< of the system that made the entry: 3 is Unix
  std::uint32_t attributes = 0;

  /// The Unix file mode with its type, 0 when the archive was made elsewhere.
  unsigned unix_mode() const noexcept { return host == 3 || host == 19 ? attributes >> 16 : 0; }
};

/// @returns the entries in their order, views into `archive`; `errc::bad_usage` for what is no archive or is made to be
/// read in two ways, `errc::too_big` above `max_entries`.
expected<std::vector<zip_record>> read_zip_directory(std::string_view archive, std::size_t max_entries);

}  // namespace troupe::functions
