// A row of the table of settings from the member of a struct that holds its value: how each type of value is read from
// texts and printed. Only config/settings.cpp includes this.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/settings.hpp"

namespace troupe::setting_entry {

using kind = value_rule::kind_type;

/// @param unit  of what there are so many, in the plural.
constexpr value_rule count(std::uint64_t min, std::uint64_t max, std::string_view unit = {}) {
  return {kind::count, min, max, {}, unit};
}
constexpr value_rule bytes(std::uint64_t min, std::uint64_t max) {
  return {kind::bytes, min, max, {}, {}};
}
constexpr value_rule time(milliseconds min, milliseconds max) {
  return {kind::time, static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count()), {}, {}};
}
constexpr value_rule choice(std::string_view choices) {
  return {kind::choice, 0, 0, choices, {}};
}
constexpr value_rule form(kind of) {
  return {of, 0, 0, {}, {}};
}

inline bool is_word(std::string_view text, std::string_view extra, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

constexpr std::string_view capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

inline bool is_text_of(kind of, const std::string& text) {
  switch (of) {
    case kind::name: return is_word(text, std::string{capitals} + "._-", 64);
    case kind::hosts: return is_word(text, std::string{capitals} + ".-", 253);
    case kind::path: return !text.empty() && text.size() <= 1024 && text.find('\0') == text.npos;
    case kind::region: return is_word(text, "-", 32);
    case kind::account: return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
    default: return false;
  }
}

inline bool read_one(const value_rule& rule, const std::string& text, std::uint64_t& out) {
  const auto value = rule.kind == kind::bytes ? parse_bytes(text) : parse_count(text);
  out = value.value_or(0);
  return value && *value >= rule.min && *value <= rule.max;
}

inline bool read_one(const value_rule& rule, const std::string& text, milliseconds& out) {
  const auto value = parse_duration(text);
  out = value.value_or(milliseconds{0});
  const auto count = static_cast<std::uint64_t>(out.count());
  return value && count >= rule.min && count <= rule.max;
}

inline bool read_one(const value_rule& rule, const std::string& text, std::string& out) {
  out = text;
  return is_text_of(rule.kind, text);
}

inline bool read_one(const value_rule& rule, const std::string& text, endpoint& out) {
  const auto value = parse_endpoint(text);
  out = value.value_or(endpoint{});
  if (!value || (rule.kind == kind::loopback && !is_loopback(*value)))
    return false;
  return rule.kind != kind::peer || (out.port != 0 && !is_wildcard(out));
}

template <class T>
bool read_one(const value_rule& rule, const std::string& text, std::optional<T>& out) {
  return read_one(rule, text, out.emplace());
}

template <class Enum>
requires std::is_enum_v<Enum>
bool read_one(const value_rule& rule, const std::string& text, Enum& out) {
  auto rest = rule.choices;
  for (std::uint8_t index = 0; !rest.empty(); ++index) {
    const auto bar = std::min(rest.find('|'), rest.size());
    if (rest.substr(0, bar) == text) {
      out = static_cast<Enum>(index);
      return true;
    }
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return false;
}

inline std::string print_one(const value_rule& rule, std::uint64_t value) {
  return rule.kind == kind::bytes ? bytes_text(value) : std::to_string(value);
}
inline std::string print_one(const value_rule&, milliseconds value) {
  return duration_text(value);
}
inline std::string print_one(const value_rule&, const std::string& value) {
  return value;
}
inline std::string print_one(const value_rule&, const endpoint& value) {
  return to_string(value);
}
template <class T>
std::string print_one(const value_rule& rule, const std::optional<T>& value) {
  return value ? print_one(rule, *value) : std::string{};
}
template <class Enum>
requires std::is_enum_v<Enum> std::string print_one(const value_rule& rule, Enum value) {
  auto rest = rule.choices;
  for (auto index = static_cast<std::uint8_t>(value); index > 0; --index)
    rest.remove_prefix(rest.find('|') + 1);
  return std::string{rest.substr(0, rest.find('|'))};
}

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
bool read(const value_rule& rule, const std::vector<std::string>& texts, T& out) {
  if constexpr (is_vector<T>) {
    out.clear();
    if (texts.empty() && rule.kind == kind::address)
      return false;  // a gateway without an address would be one that nobody meant
    return std::all_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return read_one(rule, text, out.emplace_back()); });
  } else {
    return texts.size() == 1 && read_one(rule, texts.front(), out);
  }
}

template <class T>
std::string print(const value_rule& rule, const T& value) {
  if constexpr (is_vector<T>) {
    std::string text;
    for (const auto& each : value)
      text.append(text.empty() ? "" : ",").append(print_one(rule, each));
    return text;
  } else {
    return print_one(rule, value);
  }
}

template <auto Group, auto Member>
constexpr setting entry(std::string_view key, value_rule rule, std::string_view reason,
                        change_mode changes = change_mode::at_restart) {
  using value_type = std::remove_cvref_t<decltype((std::declval<settings&>().*Group).*Member)>;
  return {key,
          rule,
          reason,
          changes,
          is_vector<value_type>,
          [](const value_rule& r, const std::vector<std::string>& texts, settings& out) {
            return read(r, texts, (out.*Group).*Member);
          },
          [](const value_rule& r, const settings& from) { return print(r, (from.*Group).*Member); },
          [](const settings& from, settings& to) { (to.*Group).*Member = (from.*Group).*Member; }};
}

}  // namespace troupe::setting_entry
