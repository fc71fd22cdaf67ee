// What a node runs with while its file changes: which differences count at once, and which after the next start.
// Reading files is config/load's business, putting values into effect the node's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace troupe {

/// A setting whose value is another one than it was.
struct setting_difference {
  std::string key;
  std::string from;  ///< as it would be written
  std::string to;
};

struct settings_change {
  std::vector<setting_difference> changed{};        ///< they count from now on
  std::vector<setting_difference> needs_restart{};  ///< they stay as they are until the next start
};

/// What is known of a setting beside its value.
struct setting_state {
  setting_place place{};                      ///< where the value that counts was written
  std::optional<milliseconds> reloaded_at{};  ///< when a reload changed it last, since 1970
  std::optional<std::string> after_restart{};
};

class live_settings {
public:
  /// @param first  without faults.
  explicit live_settings(loaded_settings first);

  /// Takes over what may change while the node runs. What else differs stays as it is, and is remembered.
  /// @param fresh  without faults: all of it counts, or nothing is taken.
  /// @param now    wall clock, since 1970.
  settings_change take(const loaded_settings& fresh, milliseconds now);

  const settings& running() const noexcept { return running_; }
  /// One of each setting, in the order of the table.
  const std::vector<setting_state>& rows() const noexcept { return rows_; }

private:
  settings running_;
  std::vector<setting_state> rows_;
};

}  // namespace troupe
