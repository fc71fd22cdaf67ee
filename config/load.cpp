#include "config/load.hpp"

#include <unistd.h>

#include <algorithm>
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
std::string suggestion(std::string_view name, NameOf&& name_of) {
  std::string best;
  auto least = std::max<std::size_t>(name.size() / 3, 2) + 1;
  for (const auto& each : all_settings()) {
    const std::string candidate{name_of(each.key)};
    if (const auto d = distance(name, candidate); d < least) {
      least = d;
      best = candidate;
    }
  }
  return best.empty() ? "" : "; did you mean " + best + "?";
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

expected<std::vector<written_setting>> read_environment(const std::vector<std::string>& environment) {
  std::vector<written_setting> found;
  for (const auto& variable : environment) {
    const auto equals = std::min(variable.find('='), variable.size());
    const auto name = variable.substr(0, equals);
    if (!name.starts_with(variable_prefix) || name == clients_variable)
      continue;
    const auto known = std::find_if(all_settings().begin(), all_settings().end(),
                                    [&](const setting& each) { return environment_name(each.key) == name; });
    if (known == all_settings().end())
      return fail(errc::bad_setting, "environment " + name + " is not a setting" + suggestion(name, environment_name));
    const auto text = equals < variable.size() ? variable.substr(equals + 1) : "";
    found.push_back(
        {std::string{known->key}, known->is_list ? split_list(text) : std::vector{text}, "environment " + name});
  }
  return found;
}

std::vector<written_setting> read_flags(const std::vector<std::pair<std::string, std::string>>& flags) {
  std::vector<written_setting> found;
  for (const auto& [key, text] : flags) {
    const auto earlier =
        std::find_if(found.begin(), found.end(), [&k = key](const written_setting& each) { return each.key == k; });
    if (earlier != found.end())
      earlier->texts.push_back(text);
    else
      found.push_back({key, {text}, "flag " + flag_name(key)});
  }
  return found;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts)
    all.append(all.empty() ? "" : ", ").append(text);
  return all;
}

expected<void> apply(const std::vector<written_setting>& written, settings& out) {
  for (const auto& each : written) {
    const auto* known = find_setting(each.key);
    if (known == nullptr)
      return fail(errc::bad_setting, each.key + " (" + each.where + ") is not a setting" +
                                         suggestion(each.key, [](std::string_view key) { return key; }));
    if (!known->read(known->rule, each.texts, out))
      return fail(errc::bad_setting, each.key + " = '" + joined(each.texts) + "' (" + each.where + "): allowed " +
                                         (known->is_list ? "in the list are " : "are ") + allowed_text(known->rule) +
                                         (known->is_list || each.texts.size() < 2 ? "" : ", and only once"));
  }
  return {};
}

}  // namespace

expected<settings> load(const load_options& options) {
  std::vector<written_setting> in_file;
  if (options.file) {
    auto read = read_settings_file(*options.file);
    if (!read)
      return tl::unexpected{std::move(read).error()};
    in_file = std::move(*read);
  }
  const auto in_environment = read_environment(options.environment);
  if (!in_environment)
    return tl::unexpected{in_environment.error()};

  settings result;
  for (const auto& written : {in_file, *in_environment, read_flags(options.flags)})
    if (auto applied = apply(written, result); !applied)
      return tl::unexpected{std::move(applied).error()};
  if (auto checked = check(result.cluster); !checked)
    return tl::unexpected{std::move(checked).error()};
  return result;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> all;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable)
    all.emplace_back(*variable);
  return all;
}

}  // namespace troupe
