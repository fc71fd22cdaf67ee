#include "functions/package_rules.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "config/text.hpp"
#include "functions/unix_file.hpp"

namespace troupe::functions {

namespace {

constexpr std::size_t max_segment = 255;  // NAME_MAX
constexpr int max_link_expansions = 40;   // as Linux follows at most

/// Bounds the work that tangled links can cause; 100,000 ordinary links take a quarter of it.
constexpr std::size_t max_resolve_steps = 4'000'000;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

expected<void> check_text(std::string_view text, const std::string& what) {
  if (text.empty())
    return fail(errc::bad_usage, what + " is empty");
  if (text.size() > max_package_path)
    return fail(errc::bad_usage, what + ": " + std::to_string(text.size()) + " bytes, at most " +
                                     std::to_string(max_package_path) + " are allowed");
  if (has_control(text))
    return fail(errc::bad_usage, what + ": control characters are not allowed");
  if (!is_utf8(text))
    return fail(errc::bad_usage, what + ": the name is not UTF-8");
  return {};
}

/// Folders before what is in them, and nothing in between: `/` sorts before every other byte.
bool tree_order(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)) + 1; };
    return rank(x) < rank(y);
  });
}

bool lies_in(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/// Follows links as the kernel would, with the package's folder as the fence.
class link_resolver {
public:
  explicit link_resolver(const std::vector<package_node>& nodes) {
    for (const auto& node : nodes)
      if (node.kind == package_node::kind_type::link)
        targets_.emplace(node.path, node.target);
  }

  expected<void> check(const package_node& link) {
    const auto name = "link " + in_quotes(link.path) + " to " + in_quotes(link.target);
    if (auto text = check_text(link.target, "link " + in_quotes(link.path) + ": its target"); !text)
      return text;
    if (link.target.front() == '/')
      return fail(errc::bad_usage, name + ": absolute; only relative links inside the folder are allowed");
    const auto slash = link.path.rfind('/');
    place_ = slash == link.path.npos ? std::string{} : std::string{link.path.substr(0, slash)};
    pending_.clear();
    push(link.target);
    int expansions = 0;
    while (!pending_.empty()) {
      if (++steps_ > max_resolve_steps)
        return fail(errc::bad_usage, name + ": the package's links are too entangled");
      const auto segment = next();
      if (segment.empty() || segment == ".")
        continue;
      if (segment == "..") {
        if (place_.empty())
          return fail(errc::bad_usage, name + ": leads out of the folder");
        const auto last = place_.rfind('/');
        place_.resize(last == std::string::npos ? 0 : last);
        continue;
      }
      const auto before = place_.size();
      if (before != 0)
        place_.push_back('/');
      place_ += segment;
      if (place_.size() > max_package_path)
        return fail(errc::bad_usage, name + ": leads through a path that is too long for a package");
      const auto found = targets_.find(place_);
      if (found == targets_.end())
        continue;
      if (++expansions > max_link_expansions)
        return fail(errc::bad_usage, name + ": leads through more than 40 links, or in a circle");
      place_.resize(before);
      push(found->second);
    }
    return {};
  }

private:
  void push(std::string_view target) { pending_.push_back(target); }

  /// Takes the first segment off the innermost target.
  std::string_view next() {
    auto& rest = pending_.back();
    const auto slash = rest.find('/');
    const auto segment = rest.substr(0, slash);
    if (slash == rest.npos)
      pending_.pop_back();
    else
      rest.remove_prefix(slash + 1);
    return segment;
  }

  std::unordered_map<std::string_view, std::string_view> targets_;
  std::vector<std::string_view> pending_;
  std::string place_;
  std::size_t steps_ = 0;
};

expected<void> check_neighbors(const package_node& first, const package_node& second) {
  using kind = package_node::kind_type;
  if (first.path == second.path)
    return fail(errc::bad_usage, "path " + in_quotes(second.path) + " occurs twice");
  if (first.kind != kind::folder && lies_in(second.path, first.path))
    return fail(errc::bad_usage, "path " + in_quotes(first.path) + " is a " +
                                     (first.kind == kind::link ? "link" : "file") + ", but " + in_quotes(second.path) +
                                     " would lie in it");
  return {};
}

}  // namespace

expected<void> check_package_path(std::string_view path) {
  const auto name = "path " + in_quotes(path);
  if (auto text = check_text(path, name); !text)
    return text;
  if (path.front() == '/')
    return fail(errc::bad_usage, name + " is absolute");
  for (std::size_t start = 0; start <= path.size();) {
    const auto end = std::min(path.find('/', start), path.size());
    const auto segment = path.substr(start, end - start);
    if (segment.empty())
      return fail(errc::bad_usage, name + " has an empty segment");
    if (segment == "." || segment == "..")
      return fail(errc::bad_usage, name + " has a '" + std::string{segment} + "' segment");
    if (segment.size() > max_segment)
      return fail(errc::bad_usage,
                  name + ": a segment has " + std::to_string(segment.size()) + " bytes, at most 255 are allowed");
    start = end + 1;
  }
  return {};
}

expected<void> check_package_tree(std::vector<package_node> nodes) {
  if (nodes.size() > max_package_entries)
    return fail(errc::too_big, std::to_string(nodes.size()) + " files, at most " + std::to_string(max_package_entries) +
                                   " are allowed");
  for (const auto& node : nodes)
    if (auto path = check_package_path(node.path); !path)
      return path;
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return tree_order(a.path, b.path); });
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (auto fits = check_neighbors(nodes[i - 1], nodes[i]); !fits)
      return fits;
  link_resolver resolver{nodes};
  for (const auto& node : nodes)
    if (node.kind == package_node::kind_type::link)
      if (auto inside = resolver.check(node); !inside)
        return inside;
  return {};
}

}  // namespace troupe::functions
