#include "http/path_segments.hpp"

#include <algorithm>

#include "config/text.hpp"

namespace troupe::http {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(percent_decode(path.substr(0, end)));
    path.remove_prefix(end);
  }
  return segments;
}

query_parameters::query_parameters(std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty())
      continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = equals == pair.size() ? std::string_view{} : pair.substr(equals + 1);
    parameters_.emplace_back(query_decode(pair.substr(0, equals)), query_decode(value));
  }
}

std::optional<std::string> query_parameters::find(std::string_view name) const {
  for (const auto& [key, value] : parameters_)
    if (key == name)
      return value;
  return std::nullopt;
}

std::vector<std::string> query_parameters::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : parameters_)
    if (key == name)
      values.push_back(value);
  return values;
}

}  // namespace troupe::http
