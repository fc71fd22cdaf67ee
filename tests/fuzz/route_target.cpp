// Route keys and the paths of requests: the table answers as a search through all keys would.
#include <algorithm>
#include <map>
#include <optional>

#include "config/text.hpp"
#include "http/path_segments.hpp"
#include "http/route_table.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::http;

namespace {

enum outcome : std::size_t { full, greedy, by_default, nothing, bad_key };

using kind = route_segment::kind_type;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    if (end == text.size())
      return lines;
    text.remove_prefix(end + 1);
  }
}

struct candidate {
  const std::string* text;
  route_key key;
};

/// What the path gives the variables of `key`, if it fits at all.
std::optional<functions::path_parameters> fit(const route_key& key, std::string_view path) {
  functions::path_parameters values;
  std::size_t at = 1;
  for (const auto& segment : key.segments) {
    if (at > path.size())
      return std::nullopt;
    if (segment.kind == kind::greedy) {
      if (at == path.size())
        return std::nullopt;
      values.emplace_back(segment.name, percent_decode(path.substr(at)));
      return values;
    }
    const auto raw = path.substr(at, std::min(path.find('/', at), path.size()) - at);
    if (segment.kind == kind::literal ? percent_decode(raw) != segment.literal : raw.empty())
      return std::nullopt;
    if (segment.kind == kind::variable)
      values.emplace_back(segment.name, percent_decode(raw));
    at += raw.size() + 1;
  }
  if (at <= path.size())
    return std::nullopt;
  return values;
}

/// Smaller is better: whole matches, the request's own method, then segment by segment from the left.
std::vector<int> rank_of(const route_key& key) {
  std::vector<int> rank{key.segments.back().kind == kind::greedy ? 1 : 0, key.method == "ANY" ? 1 : 0};
  for (const auto& segment : key.segments)
    rank.push_back(static_cast<int>(segment.kind));
  return rank;
}

struct answer {
  std::string key;
  functions::path_parameters values;
  bool operator==(const answer&) const = default;
};

answer search(const std::vector<candidate>& keys, std::string_view method, std::string_view path) {
  answer best;
  std::vector<int> best_rank;
  for (const auto& each : keys) {
    if (each.key.is_default()) {
      if (best.key.empty())
        best.key = *each.text;
      continue;
    }
    auto values = path.starts_with('/') && (each.key.method == method || each.key.method == "ANY") ? fit(each.key, path)
                                                                                                   : std::nullopt;
    auto rank = rank_of(each.key);
    if (!values || (!best_rank.empty() && best_rank <= rank))
      continue;
    best = {*each.text, std::move(*values)};
    best_rank = std::move(rank);
  }
  if (!path.starts_with('/'))
    best = {};
  happened(best.key.empty() ? nothing : best_rank.empty() ? by_default : best_rank[0] == 0 ? full : greedy);
  return best;
}

void check_path(std::string_view path) {
  std::string joined;
  for (const auto& segment : split_path(path))
    joined += "/" + segment;
  require(joined == percent_decode(path), "segments, put together, are the path");
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {"GET /pets/7/x\nGET /pets/{id}/x\nANY /pets/{proxy+}\n$default\nGET /pets/7",
                "POST /a%2Fb/c\nPOST /{x}/{y}\nPOST /a%2fb/c\nANY /{x+}", "PUT /\nANY /\n$default\nPUT /{a+}",
                "GET /a/b/c/d\nGET /a/{b}/c/{d}\nGET /{a}/b/{c+}\nGET /a/b/{c}/d\nANY /a/b/c/d\nGET /{a}/b/c/d",
                "GET /pets//\nANY /pets/{x+}\nGET /pets/"},
      .words = {"GET ", "ANY ",    "/",       "//",         "/a",
                "/b",   "/{a}",    "/{b}",    "/{a+}",      "{",
                "}",    "+",       "%2F",     "%",          "%41",
                "A",    "\nGET /", "\nANY /", "\n$default", "\nGET /{x}/{x}",
                "/.",   "%2e%2E",  "%00",     "\xc3\xa9",   "%C3%A9"},
      .outcomes = {"full", "greedy", "by default", "nothing", "bad keys"},
      .max_bytes = 600};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = lines_of(text_of(data, size));
  const auto blank = std::min(lines[0].find(' '), lines[0].size());
  const auto method = lines[0].substr(0, blank);
  const auto path = lines[0].substr(std::min(blank + 1, lines[0].size()));
  std::vector<candidate> keys;
  std::map<std::string, int> seen;
  std::vector<route> routes;
  std::size_t bad = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    routes.push_back({std::make_shared<const std::string>(lines[i]), nullptr});
    auto key = parse_route_key(lines[i]);
    if (key && seen[identity_of(*key)]++ == 0)
      keys.push_back({&lines[i], std::move(*key)});
    else
      ++bad;
  }
  const auto built = route_table::build(std::move(routes));
  require(built.rejected.size() == bad && built.table->size() == keys.size(),
          "just the bad and doubled keys are left out");
  if (bad != 0)
    happened(bad_key);

  answer got;
  if (const auto* found = built.table->match(method, path, got.values))
    got.key = *found->key;
  require(got == search(keys, method, path), "the table finds what a search finds");
  if (path.starts_with('/'))
    check_path(path);
  const query_parameters query{path};
  for (const auto& [name, value] : got.values)
    require(!name.empty(), "a value belongs to a name");
  return 0;
}
