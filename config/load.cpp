#include "config/load.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "config/settings_file.hpp"

namespace troupe {

namespace {

constexpr std::string_view variable_prefix = "TROUPE_";
constexpr std::string_view clients_variable = "TROUPE_ADMIN";

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The known name next to `name`, if it is near enough to be meant.
template <class NameOf>
std::string nearest(std::string_view name, NameOf&& name_of) {
  std::string best;
  auto least = std::max<std::size_t>(name.size() / 3, 2) + 1;
  for (const auto& each : all_settings()) {
    const std::string candidate{name_of(each.key)};
    if (const auto d = distance(name, candidate); d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

std::string question(const std::string& meant) {
  return meant.empty() ? "" : "; did you mean " + meant + "?";
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const auto first = std::min(text.find_first_not_of(' ', begin), comma);
    auto part = text.substr(first, comma - first);
    part.erase(part.find_last_not_of(' ') + 1);
    parts.push_back(std::move(part));
    begin = comma + 1;
  }
  return parts;
}

written_settings read_environment(const std::vector<std::string>& environment) {
  written_settings result;
  for (const auto& variable : environment) {
    const auto equals = std::min(variable.find('='), variable.size());
    const auto name = variable.substr(0, equals);
    if (!name.starts_with(variable_prefix) || name == clients_variable)
      continue;
    const setting_place place{setting_place::kind_type::environment, name};
    const auto known = std::find_if(all_settings().begin(), all_settings().end(),
                                    [&](const setting& each) { return environment_name(each.key) == name; });
    if (known == all_settings().end()) {
      const auto meant = nearest(name, environment_name);
      result.faults.push_back({{}, place, {}, {}, meant, to_string(place) + " is not a setting" + question(meant)});
      continue;
    }
    const auto text = equals < variable.size() ? variable.substr(equals + 1) : "";
    result.found.push_back({std::string{known->key}, known->is_list ? split_list(text) : std::vector{text}, place});
  }
  return result;
}

written_settings read_flags(const std::vector<given_setting>& flags) {
  written_settings result;
  for (const auto& [key, text, flag] : flags) {
    const auto earlier = std::find_if(result.found.begin(), result.found.end(),
                                      [&k = key](const written_setting& each) { return each.key == k; });
    if (earlier != result.found.end())
      earlier->texts.push_back(text);
    else
      result.found.push_back({key, {text}, {setting_place::kind_type::flag, flag.empty() ? flag_name(key) : flag}});
  }
  return result;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts)
    all.append(all.empty() ? "" : ", ").append(text);
  return all;
}

void refuse_unknown(const written_setting& each, std::vector<setting_fault>& faults) {
  const auto meant = nearest(each.key, [](std::string_view key) { return key; });
  faults.push_back({each.key,
                    each.place,
                    joined(each.texts),
                    {},
                    meant,
                    each.key + " (" + to_string(each.place) + ") is not a setting" + question(meant)});
}

void refuse_value(const written_setting& each, const setting& known, std::vector<setting_fault>& faults) {
  auto allowed = allowed_text(known.rule);
  auto what = each.key + " = '" + joined(each.texts) + "' (" + to_string(each.place) + "): allowed " +
              (known.is_list ? "in the list are " : "are ") + allowed +
              (known.is_list || each.texts.size() < 2 ? "" : ", and only once");
  faults.push_back({each.key, each.place, joined(each.texts), std::move(allowed), {}, std::move(what)});
}

void apply(written_settings&& written, loaded_settings& to) {
  auto faults = std::move(written.faults);
  for (const auto& each : written.found) {
    const auto* known = find_setting(each.key);
    settings read;
    if (known == nullptr) {
      refuse_unknown(each, faults);
    } else if (!known->read(known->rule, each.texts, read)) {
      refuse_value(each, *known, faults);
    } else {
      known->take(read, to.values);
      to.places[static_cast<std::size_t>(known - all_settings().data())] = each.place;
    }
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const setting_fault& a, const setting_fault& b) { return a.place.line < b.place.line; });
  std::move(faults.begin(), faults.end(), std::back_inserter(to.faults));
}

bool is_of_cluster(std::string_view key) {
  return key == "join" || key == "insecure_cluster" || key.starts_with("cluster");
}

void check_cluster(loaded_settings& of) {
  if (std::any_of(of.faults.begin(), of.faults.end(), hides_cluster))
    return;
  for (auto& [key, value, why] : faults_of(of.values.cluster)) {
    const auto& place = of.places[static_cast<std::size_t>(find_setting(key) - all_settings().data())];
    const auto where = place == setting_place{} ? "" : " (" + to_string(place) + ")";
    auto what = key + (value.empty() ? where + " " : " = '" + value + "'" + where + ": ") + why;
    of.faults.push_back({std::move(key), place, std::move(value), {}, {}, std::move(what)});
  }
}

}  // namespace

bool hides_cluster(const setting_fault& fault) {
  const bool whole_file = fault.key.empty() && fault.place.kind == setting_place::kind_type::file;
  return whole_file || is_of_cluster(fault.key) || is_of_cluster(fault.meant);
}

loaded_settings load_all(const load_options& options) {
  loaded_settings result;
  result.places.resize(all_settings().size());
  if (options.file)
    apply(read_settings_file(*options.file), result);
  apply(read_environment(options.environment), result);
  apply(read_flags(options.flags), result);
  check_cluster(result);
  // Texts that people wrote stand in all of them: values, keys, names of files and variables.
  for (auto& fault : result.faults)
    fault.what = in_one_line(fault.what);
  return result;
}

expected<settings> values_without_fault(loaded_settings loaded) {
  if (!loaded.faults.empty())
    return fail(errc::bad_setting, std::move(loaded.faults.front().what));
  return std::move(loaded.values);
}

expected<settings> load(const load_options& options) {
  return values_without_fault(load_all(options));
}

std::vector<std::string> process_environment() {
  std::vector<std::string> all;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable)
    all.emplace_back(*variable);
  return all;
}

}  // namespace troupe
