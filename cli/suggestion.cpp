#include "cli/suggestion.hpp"

#include <algorithm>

namespace troupe::cli {

namespace {

/// Longer words are no slip of the fingers, and the work grows with the square.
constexpr std::size_t longest_word = 64;

/// Optimal string alignment: one step per letter inserted, deleted, replaced, or swapped with its neighbor.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      const std::size_t replaced = steps[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  return steps[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > longest_word)
    return {};
  std::string best;
  // A third of the letters may be wrong: more, and anything would be like anything.
  auto least = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const auto& each : known)
    if (const auto steps = distance(word, each); steps < least) {
      least = steps;
      best = each;
    }
  if (!best.empty())
    return best;
  const auto begins = [&](const std::string& each) {
    return word.find_first_not_of('-') != word.npos && each.starts_with(word);
  };
  if (std::count_if(known.begin(), known.end(), begins) == 1)
    return *std::find_if(known.begin(), known.end(), begins);
  return {};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto meant = nearest(word, known);
  return meant.empty() ? "" : " (did you mean '" + meant + "'?)";
}

}  // namespace troupe::cli
