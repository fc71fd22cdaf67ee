#include "config/settings_file.hpp"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace troupe {

namespace {

constexpr int max_depth = 4;

/// Carries the first fault out of the recursion.
struct reader {
  const std::string& path;
  std::vector<written_setting> found;

  std::string at(const YAML::Mark& mark) const { return path + ":" + std::to_string(mark.line + 1); }

  expected<void> read_map(const YAML::Node& map, const std::string& prefix, int depth) {
    if (depth > max_depth)
      return fail(errc::bad_setting, at(map.Mark()) + ": maps are nested too deeply");
    for (const auto& entry : map) {
      const YAML::Node& key = entry.first;
      const YAML::Node& value = entry.second;
      if (!key.IsScalar())
        return fail(errc::bad_setting, at(key.Mark()) + ": a key that is not a plain text");
      const auto name = prefix.empty() ? key.Scalar() : prefix + "." + key.Scalar();
      if (auto done = value.IsMap() ? read_map(value, name, depth + 1) : read_value(name, key, value); !done)
        return done;
    }
    return {};
  }

  expected<void> read_value(const std::string& name, const YAML::Node& key, const YAML::Node& value) {
    written_setting written{name, {}, at(key.Mark())};
    if (value.IsNull())
      return fail(errc::bad_setting, name + " (" + written.where + ") has no value");
    if (value.IsScalar()) {
      written.texts.push_back(value.Scalar());
    } else {
      for (const auto& element : value) {
        if (!element.IsScalar())
          return fail(errc::bad_setting,
                      name + " (" + at(element.Mark()) + "): an element of the list is not a plain text");
        written.texts.push_back(element.Scalar());
      }
    }
    for (const auto& other : found)
      if (other.key == name)
        return fail(errc::bad_setting, name + " (" + written.where + ") is already set in " + other.where);
    found.push_back(std::move(written));
    return {};
  }
};

}  // namespace

expected<std::vector<written_setting>> read_settings_file(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  if (!file || (!(text << file.rdbuf()) && file.peek() != std::ifstream::traits_type::eof()) || file.bad())
    return fail(errc::bad_setting, "configuration file '" + path + "' cannot be read: " + std::strerror(errno));
  reader source{path, {}};
  try {
    const auto documents = YAML::LoadAll(text.str());
    if (documents.size() > 1)
      return fail(errc::bad_setting, source.at(documents[1].Mark()) + ": a second document; one is allowed");
    if (documents.empty() || documents.front().IsNull())
      return source.found;
    if (!documents.front().IsMap())
      return fail(errc::bad_setting, source.at(documents.front().Mark()) + ": not a map of settings");
    if (auto done = source.read_map(documents.front(), "", 1); !done)
      return tl::unexpected{done.error()};
  } catch (const YAML::Exception& fault) {
    return fail(errc::bad_setting, source.at(fault.mark) + ": " + fault.msg);
  }
  return source.found;
}

}  // namespace troupe
