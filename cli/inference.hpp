// What can be told about code by looking at it: the runtime, the handler, a name. Pure but for the files it is handed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/errc.hpp"

namespace troupe::cli {

/// The files of a package, by path.
struct package_files {
  std::vector<std::string> paths;
  /// The contents of one of `paths`; nothing when it cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> read;
};

/// Finds the module and the function that a Node.js package exports: the `main` of its package.json, else `index`, else
/// its only JavaScript file; there `handler`, else its only export.
/// @returns `FILE.EXPORT`, or `errc::bad_usage` naming the flag that says it instead.
expected<std::string> infer_node_handler(const package_files& files);

struct inferred_code {
  std::string runtime;  ///< `nodejs` or `python3`
  std::string handler;
};

/// Finds out for which runtime a package is, and its handler unless `handler` names it.
/// @returns `errc::bad_usage` naming the flag that decides when it could be for either, or is for none.
expected<inferred_code> infer_code(const package_files& files, const std::optional<std::string>& handler);

/// @param stem  of the folder or file.
/// @returns it, or `errc::bad_usage` when it is no function name.
expected<std::string> infer_name(const std::string& stem);

}  // namespace troupe::cli
