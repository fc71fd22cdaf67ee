#include "config/settings_file.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace troupe {

namespace {

constexpr int max_depth = 4;
/// Of a file, where what an alias stands for counts each time: a few lines can repeat each other billions of times.
constexpr std::size_t max_values = 4096;

/// Where a document begins. `YAML::LoadAll` would tell as well, but of a text that begins with a comma it makes
/// documents until no memory is left.
struct document_start final : YAML::EventHandler {
  YAML::Mark mark;

  void OnDocumentStart(const YAML::Mark& begin) override { mark = begin; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

struct reader {
  const std::string& path;
  written_settings result{};
  std::size_t values = 0;  ///< seen

  setting_place at(const YAML::Mark& mark) const {
    return {setting_place::kind_type::file, path, static_cast<std::size_t>(mark.line) + 1};
  }

  /// @param what  behind the place.
  void blame(const setting_place& place, const std::string& what) {
    result.faults.push_back({{}, place, {}, {}, {}, to_string(place) + ": " + what});
  }
  void blame(const std::string& key, const setting_place& place, const std::string& what) {
    result.faults.push_back({key, place, {}, {}, {}, key + " (" + to_string(place) + ")" + what});
  }

  void read_map(const YAML::Node& map, const std::string& prefix, int depth) {
    if (depth > max_depth)
      return blame(at(map.Mark()), "maps are nested too deeply");
    for (const auto& entry : map) {
      if (++values > max_values)
        return;
      const YAML::Node& key = entry.first;
      const YAML::Node& value = entry.second;
      if (!key.IsScalar()) {
        blame(at(key.Mark()), "a key that is not a plain text");
        continue;
      }
      const auto name = prefix.empty() ? key.Scalar() : prefix + "." + key.Scalar();
      if (value.IsMap())
        read_map(value, name, depth + 1);
      else
        read_value(name, at(key.Mark()), value);
    }
  }

  void read_value(const std::string& name, const setting_place& place, const YAML::Node& value) {
    for (const auto& other : result.found)
      if (other.key == name)
        return blame(name, place, " is already set in " + to_string(other.place));
    written_setting written{name, {}, place};
    if (value.IsNull())
      return blame(name, place, " has no value");
    if (value.IsScalar()) {
      written.texts.push_back(value.Scalar());
    } else {
      for (const auto& element : value) {
        if (++values > max_values)
          return;
        if (!element.IsScalar())
          return blame(name, at(element.Mark()), ": an element of the list is not a plain text");
        written.texts.push_back(element.Scalar());
      }
    }
    result.found.push_back(std::move(written));
  }

  void read_text(const std::string& text) {
    std::istringstream stream{text};
    YAML::Parser parser{stream};
    document_start first;
    document_start second;
    if (!parser.HandleNextDocument(first))
      return;
    if (parser.HandleNextDocument(second))
      return blame(at(second.mark),
                   second.mark.pos == first.mark.pos ? "not a map of settings" : "a second document; one is allowed");
    const auto document = YAML::Load(text);
    if (document.IsNull())
      return;
    if (!document.IsMap())
      return blame(at(document.Mark()), "not a map of settings");
    read_map(document, "", 1);
    if (values <= max_values)
      return;
    result = {};
    blame(at(document.Mark()), "more than " + std::to_string(max_values) + " values, with those that aliases repeat");
  }
};

}  // namespace

written_settings parse_settings(const std::string& text, const std::string& path) {
  reader source{path};
  try {
    source.read_text(text);
  } catch (const YAML::Exception& fault) {
    source.blame(source.at(fault.mark), fault.msg);
  }
  return std::move(source.result);
}

written_settings read_settings_file(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream text;
  if (!file || (!(text << file.rdbuf()) && file.peek() != std::ifstream::traits_type::eof()) || file.bad()) {
    const auto what = "configuration file '" + path + "' cannot be read: " + std::strerror(errno);
    return {{}, {{{}, {setting_place::kind_type::file, path}, {}, {}, {}, what}}};
  }
  return parse_settings(text.str(), path);
}

}  // namespace troupe
