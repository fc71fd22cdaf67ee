// From a file, the environment and the command line to checked settings and where each of them was written, or
// everything that is wrong with them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/errc.hpp"
#include "config/setting_fault.hpp"
#include "config/settings.hpp"

namespace troupe {

/// A setting on the command line; one that is a list may come several times.
struct given_setting {
  std::string key;
  std::string text;
  std::string flag{};  ///< as it was given, if that is not `flag_name(key)`
  bool operator==(const given_setting&) const = default;
};

struct load_options {
  std::optional<std::string> file{};       ///< YAML
  std::vector<std::string> environment{};  ///< `NAME=value`; only `TROUPE_...` counts
  std::vector<given_setting> flags{};
};

/// What was read. With faults, what they concern has its default.
struct loaded_settings {
  settings values{};
  std::vector<setting_place> places{};  ///< of each row of `all_settings`
  std::vector<setting_fault> faults{};  ///< of the file by line, then of the environment, the flags, and combinations
};

/// Later sources replace earlier ones: defaults, file, environment, flags. A list is replaced as a whole; in the
/// environment its elements are separated by commas. `TROUPE_...` variables that are no setting are a fault,
/// `TROUPE_ADMIN` excepted: it belongs to the clients. Settings that contradict each other name their keys.
loaded_settings load_all(const load_options& options);

/// Whether it leaves open what the settings of the cluster were meant to be: then nothing is said about them.
bool hides_cluster(const setting_fault& fault);

/// The values, for a start that one fault forbids. @returns `errc::bad_setting` with the first of them.
expected<settings> values_without_fault(loaded_settings loaded);

/// @returns `errc::bad_setting` with the first fault: one line that names the key, where it was written, the value and
///          what is allowed.
expected<settings> load(const load_options& options);

/// This process's environment, for `load_options`.
std::vector<std::string> process_environment();

}  // namespace troupe
