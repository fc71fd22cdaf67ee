// From a file, the environment and the command line to checked settings, or the one line that says what is wrong.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/errc.hpp"
#include "config/settings.hpp"

namespace troupe {

struct load_options {
  std::optional<std::string> file;       ///< YAML
  std::vector<std::string> environment;  ///< `NAME=value`; only `TROUPE_...` counts
  /// Key of the setting and text; a list setting may come several times.
  std::vector<std::pair<std::string, std::string>> flags;
};

/// Later sources replace earlier ones: defaults, file, environment, flags. A list is replaced as a whole; in the
/// environment its elements are separated by commas.
/// @returns `errc::bad_setting` with one line that names the key, where it was written, the value and what is allowed.
///          `TROUPE_...` variables that are no setting are an error, `TROUPE_ADMIN` excepted: it belongs to the
///          clients. Settings that contradict each other name their keys.
expected<settings> load(const load_options& options);

/// This process's environment, for `load_options`.
std::vector<std::string> process_environment();

}  // namespace troupe
