#include "http/settings_view.hpp"

#include <cassert>
#include <nlohmann/json.hpp>

#include "http/body_text.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

template <class Value>
json value_or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

json object_of(const setting_place& place) {
  switch (place.kind) {
    case setting_place::kind_type::built_in: return {{"kind", "default"}};
    case setting_place::kind_type::file:
      return {{"kind", "file"}, {"path", place.name}, {"line", place.line == 0 ? json(nullptr) : json(place.line)}};
    case setting_place::kind_type::environment: return {{"kind", "environment"}, {"variable", place.name}};
    case setting_place::kind_type::flag: return {{"kind", "flag"}, {"flag", place.name}};
  }
  return nullptr;
}

json object_of(const setting_view& each) {
  const auto& what = *each.what;
  return {{"key", what.key},
          {"value", each.value},
          {"effective", value_or_null(each.effective)},
          {"unit", unit_text(what.rule)},
          {"default", what.print(what.rule, settings{})},
          {"allowed", allowed_text(what.rule)},
          {"source", object_of(each.place)},
          {"reloadable", what.changes == change_mode::at_reload},
          {"reloaded_unix_ms", value_or_null(each.reloaded_unix_ms)},
          {"after_restart", value_or_null(each.after_restart)}};
}

json list_of(const std::vector<setting_fault>& faults) {
  auto list = json::array();
  for (const auto& fault : faults)
    list.push_back({{"key", text_or_null(fault.key)},
                    {"source", object_of(fault.place)},
                    {"value", text_or_null(fault.value)},
                    {"allowed", text_or_null(fault.allowed)},
                    {"did_you_mean", text_or_null(fault.meant)},
                    {"message", fault.what}});
  return list;
}

json list_of(const std::vector<setting_difference>& differences) {
  auto list = json::array();
  for (const auto& each : differences)
    list.push_back({{"key", each.key}, {"from", each.from}, {"to", each.to}});
  return list;
}

}  // namespace

settings_view view_of(const loaded_settings& loaded, std::optional<std::string> file) {
  settings_view view{std::move(file), {}};
  for (std::size_t row = 0; row < all_settings().size(); ++row) {
    const auto& what = all_settings()[row];
    view.settings.push_back({&what, what.print(what.rule, loaded.values), {}, loaded.places[row], {}, {}});
  }
  return view;
}

std::string settings_body(const settings_view& node) {
  auto list = json::array();
  for (const auto& each : node.settings)
    list.push_back(object_of(each));
  return text_of({{"file", value_or_null(node.file)}, {"settings", std::move(list)}});
}

std::string reload_body(const reload_view& done) {
  return text_of({{"file", done.file},
                  {"changed", list_of(done.done.changed)},
                  {"needs_restart", list_of(done.done.needs_restart)}});
}

std::string faults_error_body(const std::vector<setting_fault>& faults) {
  assert(!faults.empty());
  return text_of(
      {{"error",
        {{"code", to_string(errc::bad_setting)}, {"message", faults.front().what}, {"faults", list_of(faults)}}}});
}

std::string check_body(const std::string& file, std::size_t count, const std::vector<setting_fault>& faults) {
  return text_of({{"file", file}, {"valid", faults.empty()}, {"settings", count}, {"faults", list_of(faults)}});
}

}  // namespace troupe::http
