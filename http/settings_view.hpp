// What the admin port and `troupe config` say about settings (docs/admin-api.md): what they are, where they come from,
// what is wrong with them, what a reload did. Pure values in, text out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/live_settings.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace troupe::http {

/// A setting of a node.
struct setting_view {
  const setting* what = nullptr;
  std::string value{};                     ///< as it would be written
  std::optional<std::string> effective{};  ///< what the node made of a value that left it the choice
  setting_place place{};
  std::optional<std::int64_t> reloaded_unix_ms{};  ///< when a reload changed it
  std::optional<std::string> after_restart{};      ///< what its file says by now
};

struct settings_view {
  std::optional<std::string> file{};  ///< that was read, and is read again by a reload
  std::vector<setting_view> settings{};
};

/// Of settings that were just read: nothing has happened to them yet.
settings_view view_of(const loaded_settings& loaded, std::optional<std::string> file);

struct reload_view {
  std::string file;
  settings_change done;
};

/// Why a reload changed nothing.
struct reload_refusal {
  error why;
  std::vector<setting_fault> faults{};  ///< when it is the file's fault
};

// Each body is one JSON object and a line feed.

std::string settings_body(const settings_view& node);
std::string reload_body(const reload_view& done);
/// An error body that names every fault.
std::string faults_error_body(const std::vector<setting_fault>& faults);
/// `{"file","valid","settings","faults"}`. @param settings  that it has.
std::string check_body(const std::string& file, std::size_t settings, const std::vector<setting_fault>& faults);

}  // namespace troupe::http
