// Reads a YAML file into keys and texts; what they mean is settings.cpp's business.
#pragma once

#include <string>
#include <vector>

#include "config/errc.hpp"

namespace troupe {

/// A value as somebody wrote it.
struct written_setting {
  std::string key;
  std::vector<std::string> texts;  ///< several only for lists
  std::string where;               ///< `troupe.yaml:12`, `environment TROUPE_NAME`, `flag --name`
};

/// Reads maps of maps (`edge: {max_fields: 5}`), dotted keys (`edge.max_fields: 5`), scalars and lists of scalars.
/// @returns `errc::bad_setting` naming file and line when the file cannot be read or has another form.
expected<std::vector<written_setting>> read_settings_file(const std::string& path);

}  // namespace troupe
