// Code on this machine's disk, ready to be deployed: what kind it is, what the node needs to know of it, and the bytes
// of whatever the node asks for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/inference.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/package.hpp"

namespace troupe::cli {

enum class code_kind : std::uint8_t { folder, archive, object };

struct local_code {
  code_kind kind = code_kind::folder;
  std::filesystem::path root;  ///< absolute: the folder or the file
  std::string stem;            ///< of its name, for the function's
  std::size_t file_count = 0;
  std::uint64_t bytes = 0;
  nlohmann::ordered_json code;                    ///< the request's `code`
  std::map<digest, std::filesystem::path> blobs;  ///< what the node may ask for, and where it lies
  package_files files;                            ///< to look into; of folders and archives. Refers to nothing else.
};

/// A folder, a file that ends in `.zip`, `.so` or `.py`; a lone Python module is like a folder with nothing else in it.
/// @returns `errc::io` when it cannot be read, `errc::bad_usage` when it is something else or cannot be a package.
expected<local_code> open_code(const std::string& path, const functions::scan_progress& progress);

/// The bytes of one blob, checked against its digest.
/// @returns `errc::too_big` naming a file that does not fit into one request, `errc::corrupt` when it has changed.
expected<std::string> read_blob(const local_code& code, const digest& blob);

}  // namespace troupe::cli
