// Reads a YAML file into keys and texts; what they mean is settings.cpp's business.
#pragma once

#include <string>
#include <vector>

#include "config/setting_fault.hpp"

namespace troupe {

/// A value as somebody wrote it.
struct written_setting {
  std::string key;
  std::vector<std::string> texts;  ///< several only for lists
  setting_place place;
};

/// What could be read, in the order of the file, and everything that could not.
struct written_settings {
  std::vector<written_setting> found;
  std::vector<setting_fault> faults;
};

/// Reads maps of maps (`edge: {max_fields: 5}`), dotted keys (`edge.max_fields: 5`), scalars and lists of scalars.
/// Faults name file and line. Of a file that is no YAML, or cannot be read, nothing is found.
written_settings read_settings_file(const std::string& path);

/// The same of a text. @param path  as it is named in faults.
written_settings parse_settings(const std::string& text, const std::string& path);

}  // namespace troupe
