// Which directions between which nodes carry nothing at present, and how a cluster is cut in two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "seeded.hpp"

namespace troupe::sim {

using direction = std::pair<std::size_t, std::size_t>;  ///< from node, to node

class cuts {
public:
  /// @returns a number for this cut; 0 when the direction was cut already.
  std::uint64_t cut(direction which) { return cuts_.emplace(which, next_ + 1).second ? ++next_ : 0; }
  /// @returns whether it was cut.
  bool heal(direction which) { return cuts_.erase(which) != 0; }
  bool is_cut(std::size_t from, std::size_t to) const { return cuts_.contains({from, to}); }
  /// Whether the direction is cut, and has been since `number` was given.
  bool is_still_cut(direction which, std::uint64_t number) const {
    const auto found = cuts_.find(which);
    return found != cuts_.end() && found->second == number;
  }
  std::vector<direction> all() const {
    std::vector<direction> found;
    for (const auto& [which, number] : cuts_)
      found.push_back(which);
    return found;
  }

private:
  std::map<direction, std::uint64_t> cuts_;
  std::uint64_t next_ = 0;
};

/// The directions, not cut yet, between some of `count` nodes and the others: between one and all others, or two parts.
/// @param one_way  only those that lead out of the first part.
inline std::vector<direction> parted(seeded& random, std::size_t count, bool one_way, const cuts& present) {
  const auto salt = random.next();
  const auto kind = random.below(3);
  const auto lonely = random.below(count);
  const auto inside = [&](std::size_t node) { return kind == 0 ? node == lonely : (salt >> (node % 64) & 1) != 0; };
  std::vector<direction> between;
  for (std::size_t from = 0; from < count; ++from)
    for (std::size_t to = 0; to < count; ++to)
      if (inside(from) != inside(to) && (!one_way || inside(from)) && !present.is_cut(from, to))
        between.emplace_back(from, to);
  return between;
}

}  // namespace troupe::sim
