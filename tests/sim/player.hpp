// What the programs of this folder have in common: they play seeds until the time is over or a promise is broken, and
// print what replays it (README.md).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::sim {

/// A defect that can be put in on purpose.
struct planted {
  std::string name;                 ///< behind `--mutation`
  std::vector<std::string> breaks;  ///< invariants; anything else that is found with it is a defect of its own
};

struct game {
  std::string program;
  std::vector<planted> defects;
  /// Plays one seed. @param defect  0: none, else 1 + its place in `defects`. Throws a `violation`.
  std::function<void(std::uint64_t seed, std::size_t defect, bool trace)> play;
  /// What was played so far, in words.
  std::function<std::string()> totals;
};

/// @returns the exit code: 0 when no promise was broken, or the planted defect was found; 2 for wrong usage.
int play(const game& what, int count, char** arguments);

}  // namespace troupe::sim
