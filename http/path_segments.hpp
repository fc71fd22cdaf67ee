// A request target of the admin port taken apart: segments and query, decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

/// Split at each `/` first, decoded afterwards: `%2F` separates nothing. @param path  begins with `/`.
std::vector<std::string> split_path(std::string_view path);

class query_parameters {
public:
  /// @param query  raw, without `?`.
  explicit query_parameters(std::string_view query);

  /// The first of that name.
  std::optional<std::string> find(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;

private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace troupe::http
