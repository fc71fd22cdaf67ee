// Which function answers a request: route keys as API Gateway writes them, matched in its order. Immutable; built off
// the loops, read by all of them without a lock. Knows nothing of connections or of where functions run.
//
// Paths are compared segment by segment: the raw path is split at `/`, each segment is decoded once, so `%2F` never
// separates. An empty segment matches neither a literal nor `{name}`: `//` matches nothing but greedy variables, and
// `/pets/` is not `/pets`. A template that ends in `/` matches just the paths that do (`/` itself is the shortest).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/errc.hpp"
#include "functions/function_spec.hpp"
#include "functions/invocation.hpp"

namespace troupe::http {

class route_metrics;

struct route_segment {
  enum class kind_type : std::uint8_t { literal, variable, greedy };
  kind_type kind = kind_type::literal;
  std::string literal;    ///< decoded
  std::string_view name;  ///< of a variable; points into the parsed text
};

/// A parsed route key; its views point into the text that was parsed.
struct route_key {
  std::string_view method;  ///< `GET`, ..., `ANY`; empty for `$default`
  std::string_view path;    ///< the template; empty for `$default`
  std::vector<route_segment> segments;

  bool is_default() const noexcept { return method.empty(); }
};

/// Parses `METHOD /path`, `ANY /path` or `$default`. A segment is a literal (percent-encoding allowed), `{name}` or,
/// only at the end, `{name+}`; names are 1 to 64 of `A-Z a-z 0-9 . _ -`, each once; at most 64 segments and 1,024
/// bytes.
/// @returns `errc::bad_usage` with one line that quotes the key and says what is allowed.
expected<route_key> parse_route_key(std::string_view text);

/// A text that two route keys share exactly when they select the same requests (equal up to the names of variables).
std::string identity_of(const route_key& key);

struct route {
  std::shared_ptr<const std::string> key;
  functions::function_ref function;  ///< null when the route points to a function that is gone
  /// What is counted of its requests. Lives as long as `key`, which is its own; null: nothing is.
  route_metrics* metrics = nullptr;
};

class route_table {
public:
  struct built;

  /// One malformed or doubled route does not unroute the others: it is left out and reported; of two equal ones the
  /// first stays.
  static built build(std::vector<route> routes);

  /// The route that answers, or null. Fills `parameters` (cleared first) with names that point into the route's key.
  /// Order: full match before greedy before `$default`; within each the request's own method before `ANY`; then
  /// segments from left to right, literal before `{name}` before `{name+}`.
  /// @param raw_path  as scan_head gives it; what does not begin with `/` matches nothing.
  const route* match(std::string_view method, std::string_view raw_path, functions::path_parameters& parameters) const;

  std::size_t size() const noexcept { return entries_.size(); }

private:
  using index = std::uint32_t;
  static constexpr index none = static_cast<index>(-1);

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  struct entry {
    route target;
    std::vector<std::string_view> names;
  };
  /// One segment of the templates of one method.
  struct node {
    std::unordered_map<std::string, index, text_hash, std::equal_to<>> literals;
    index variable = none;  ///< node behind `{name}`
    index full = none;      ///< entry of the template that ends here
    index greedy = none;    ///< entry of the template that goes on with `{name+}`
  };
  struct method_tree {
    std::string method;
    index root = none;
    bool has_greedy = false;
  };
  struct search;

  expected<void> add(route target);
  method_tree& tree_of(std::string_view method);

  std::vector<entry> entries_;
  std::vector<node> nodes_;
  std::vector<method_tree> trees_;  ///< at most one per method and one for ANY
  index default_ = none;
};

struct route_table::built {
  std::shared_ptr<const route_table> table;
  std::vector<error> rejected;
};

}  // namespace troupe::http
