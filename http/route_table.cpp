#include "http/route_table.hpp"

#include <algorithm>
#include <array>

#include "config/text.hpp"

namespace troupe::http {

/// One walk through the tree of one method. The tree is at most 64 segments deep, so is the recursion.
struct route_table::search {
  struct hit {
    index entry = none;
    std::size_t captures = 0;
    std::size_t rest = std::string_view::npos;  ///< where a greedy variable begins in the path
  };

  const route_table& table;
  std::string_view path;
  struct piece {
    std::uint32_t begin;
    std::uint32_t size;
  };
  std::array<piece, 64> captured;  // raw values of `{name}` on the way here; left uninitialized, a path has few

  search(const route_table& t, std::string_view p) : table{t}, path{p} {}

  std::string_view segment_at(std::size_t begin) const noexcept {
    return path.substr(begin, std::min(path.find('/', begin), path.size()) - begin);
  }

  static index find_literal(const node& at, std::string_view segment) {
    if (at.literals.empty())
      return none;
    const auto found =
        segment.find('%') == segment.npos ? at.literals.find(segment) : at.literals.find(percent_decode(segment));
    return found == at.literals.end() ? none : found->second;
  }

  /// Literal before variable at each step from the left: the first template found is the best one.
  template <class Step>
  hit descend(const node& at, std::size_t begin, std::size_t captures, Step&& step) {
    const auto segment = segment_at(begin);
    const auto next = begin + segment.size() + 1;
    if (const auto child = find_literal(at, segment); child != none)
      if (const auto found = step(child, next, captures); found.entry != none)
        return found;
    if (at.variable != none && !segment.empty()) {
      captured[captures] = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(segment.size())};
      return step(at.variable, next, captures + 1);
    }
    return {};
  }

  hit full(index at, std::size_t begin, std::size_t captures) {
    const auto& here = table.nodes_[at];
    if (begin > path.size())
      return {here.full, captures};
    return descend(here, begin, captures,
                   [this](index child, std::size_t next, std::size_t n) { return full(child, next, n); });
  }

  hit greedy(index at, std::size_t begin, std::size_t captures) {
    if (begin >= path.size())
      return {};  // a greedy variable takes at least one character
    const auto& here = table.nodes_[at];
    const auto deeper = descend(
        here, begin, captures, [this](index child, std::size_t next, std::size_t n) { return greedy(child, next, n); });
    return deeper.entry != none ? deeper : hit{here.greedy, captures, begin};
  }
};

const route* route_table::match(std::string_view method, std::string_view raw_path,
                                functions::path_parameters& parameters) const {
  parameters.clear();
  if (!raw_path.starts_with('/'))
    return nullptr;
  const method_tree* own = nullptr;
  const method_tree* any = nullptr;
  for (const auto& tree : trees_) {
    if (tree.method == method)
      own = &tree;
    if (tree.method == "ANY")
      any = &tree;
  }

  search walk{*this, raw_path};
  search::hit found;
  for (const auto* tree : {own, any})
    if (tree != nullptr && found.entry == none)
      found = walk.full(tree->root, 1, 0);
  for (const auto* tree : {own, any})
    if (tree != nullptr && tree->has_greedy && found.entry == none)
      found = walk.greedy(tree->root, 1, 0);
  if (found.entry == none)
    return default_ == none ? nullptr : &entries_[default_].target;

  const auto& chosen = entries_[found.entry];
  for (std::size_t i = 0; i < found.captures; ++i)
    parameters.emplace_back(chosen.names[i],
                            percent_decode(raw_path.substr(walk.captured[i].begin, walk.captured[i].size)));
  if (found.rest != std::string_view::npos)
    parameters.emplace_back(chosen.names.back(), percent_decode(raw_path.substr(found.rest)));
  return &chosen.target;
}

route_table::method_tree& route_table::tree_of(std::string_view method) {
  const auto found =
      std::find_if(trees_.begin(), trees_.end(), [&](const method_tree& tree) { return tree.method == method; });
  if (found != trees_.end())
    return *found;
  nodes_.emplace_back();
  return trees_.emplace_back(method_tree{std::string{method}, static_cast<index>(nodes_.size() - 1)});
}

expected<void> route_table::add(route target) {
  const auto key = parse_route_key(*target.key);
  if (!key)
    return tl::unexpected{key.error()};

  std::vector<std::string_view> names;
  index* place = &default_;
  if (!key->is_default()) {
    auto& tree = tree_of(key->method);
    index at = tree.root;
    bool greedy = false;
    for (const auto& segment : key->segments) {
      if (!segment.name.empty())
        names.push_back(segment.name);
      greedy = segment.kind == route_segment::kind_type::greedy;
      if (greedy)
        break;
      const auto fresh = static_cast<index>(nodes_.size());
      index child = fresh;
      if (segment.kind == route_segment::kind_type::literal)
        child = nodes_[at].literals.try_emplace(segment.literal, fresh).first->second;
      else if (nodes_[at].variable != none)
        child = nodes_[at].variable;
      else
        nodes_[at].variable = fresh;
      if (child == fresh)
        nodes_.emplace_back();
      at = child;
    }
    tree.has_greedy = tree.has_greedy || greedy;
    place = greedy ? &nodes_[at].greedy : &nodes_[at].full;
  }
  if (*place != none)
    return fail(errc::conflict, "route '" + *target.key + "' selects the same requests as route '" +
                                    *entries_[*place].target.key + "'");
  *place = static_cast<index>(entries_.size());
  entries_.push_back({std::move(target), std::move(names)});
  return {};
}

route_table::built route_table::build(std::vector<route> routes) {
  const auto table = std::make_shared<route_table>();
  built result;
  for (auto& each : routes)
    if (auto added = table->add(std::move(each)); !added)
      result.rejected.push_back(std::move(added).error());
  result.table = table;
  return result;
}

}  // namespace troupe::http
