#include "player.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>

#include "violation.hpp"

namespace troupe::sim {

namespace {

struct options {
  int seconds = 20;
  std::uint64_t first = 1;
  std::optional<std::uint64_t> only;
  std::size_t defect = 0;
};

int usage(const game& what) {
  std::string names;
  for (const auto& each : what.defects)
    names += (names.empty() ? "" : "|") + each.name;
  std::fprintf(stderr, "usage: %s [--seconds N] [--first SEED | --seed SEED]\n       [--mutation %s]\n",
               what.program.c_str(), names.c_str());
  return 2;
}

bool take(const game& what, options& wanted, std::string_view name, const char* value) {
  if (name == "--seconds") {
    wanted.seconds = std::atoi(value);
  } else if (name == "--first") {
    wanted.first = std::strtoull(value, nullptr, 10);
  } else if (name == "--seed") {
    wanted.only = std::strtoull(value, nullptr, 10);
  } else if (name == "--mutation") {
    const auto found =
        std::find_if(what.defects.begin(), what.defects.end(), [&](const planted& each) { return each.name == value; });
    wanted.defect = static_cast<std::size_t>(found - what.defects.begin()) + 1;
    return found != what.defects.end();
  } else {
    return false;
  }
  return true;
}

std::optional<violation> play_one(const game& what, std::uint64_t seed, const options& wanted) {
  try {
    what.play(seed, wanted.defect, wanted.only.has_value());
  } catch (violation& found) {
    return std::move(found);
  }
  return std::nullopt;
}

int report(const game& what, std::uint64_t seed, const options& wanted, const violation& found,
           const char* this_program) {
  bool looked_for = false;
  std::string mutant;
  if (wanted.defect != 0) {
    const auto& defect = what.defects[wanted.defect - 1];
    mutant = " --mutation " + defect.name;
    looked_for = std::find(defect.breaks.begin(), defect.breaks.end(), found.invariant) != defect.breaks.end();
  }
  std::printf("%s: seed %llu breaks %s: %s\nreplay: %s --seed %llu%s\n", looked_for ? "found" : "FAILED",
              static_cast<unsigned long long>(seed), found.invariant.c_str(), found.text.c_str(), this_program,
              static_cast<unsigned long long>(seed), mutant.c_str());
  return looked_for ? 0 : 1;
}

}  // namespace

int play(const game& what, int count, char** arguments) {
  options wanted;
  for (int i = 1; i < count; i += 2)
    if (i + 1 == count || !take(what, wanted, arguments[i], arguments[i + 1]))
      return usage(what);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{wanted.seconds};
  std::uint64_t seeds = 0;
  for (auto seed = wanted.only.value_or(wanted.first);; ++seed) {
    if (const auto found = play_one(what, seed, wanted))
      return report(what, seed, wanted, *found, arguments[0]);
    ++seeds;
    if (wanted.only || std::chrono::steady_clock::now() >= end)
      break;
  }
  std::printf("%llu seeds in %.1f s of CPU: %s; no promise was broken\n", static_cast<unsigned long long>(seeds),
              static_cast<double>(std::clock()) / CLOCKS_PER_SEC, what.totals().c_str());
  if (wanted.defect == 0)
    return 0;
  std::printf("FAILED: the defect %s was not found\n", what.defects[wanted.defect - 1].name.c_str());
  return 1;
}

}  // namespace troupe::sim
