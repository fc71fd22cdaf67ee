// Plays seeds of the built-in store until the time is over or a promise is broken. README.md says how to replay one.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "violation.hpp"
#include "world.hpp"

namespace {

using namespace troupe::sim;

struct options {
  int seconds = 20;
  std::uint64_t first = 1;
  std::optional<std::uint64_t> only;
  mutation defect = mutation::none;
  std::string defect_name;
};

int usage() {
  std::fputs(
      "usage: sim_store [--seconds N] [--first SEED | --seed SEED]\n"
      "                 [--mutation acknowledge-before-fsync|apply-batch-twice|renew-while-moving]\n",
      stderr);
  return 2;
}

bool take(options& wanted, std::string_view name, const char* value) {
  if (name == "--seconds") {
    wanted.seconds = std::atoi(value);
  } else if (name == "--first") {
    wanted.first = std::strtoull(value, nullptr, 10);
  } else if (name == "--seed") {
    wanted.only = std::strtoull(value, nullptr, 10);
  } else if (name == "--mutation") {
    wanted.defect_name = value;
    wanted.defect = wanted.defect_name == "acknowledge-before-fsync" ? mutation::acknowledge_before_fsync
                    : wanted.defect_name == "apply-batch-twice"      ? mutation::apply_batch_twice
                    : wanted.defect_name == "renew-while-moving"     ? mutation::renew_while_moving
                                                                     : mutation::none;
    return wanted.defect != mutation::none;
  } else {
    return false;
  }
  return true;
}

/// What a mutation breaks. Anything else that is found with it is a defect of its own.
bool expected_of(mutation defect, std::string_view invariant) {
  switch (defect) {
    case mutation::none: return false;
    case mutation::acknowledge_before_fsync: return invariant == "acknowledged_is_kept";
    case mutation::apply_batch_twice: return invariant == "total_order";
    case mutation::renew_while_moving: return invariant == "session_freed_early" || invariant == "one_acting_owner";
  }
  return false;
}

struct totals {
  std::uint64_t seeds = 0;
  std::uint64_t commits = 0;
  std::uint64_t acts = 0;
  std::uint64_t simulated_s = 0;
};

std::optional<violation> play(std::uint64_t seed, const options& wanted, totals& sum) {
  world all{seed, wanted.defect, wanted.only.has_value()};
  std::optional<violation> found;
  try {
    all.run();
  } catch (violation& each) {
    found = std::move(each);
  }
  ++sum.seeds;
  sum.commits += all.seen.commits();
  sum.acts += all.seen.acts();
  sum.simulated_s += static_cast<std::uint64_t>(all.time.now().count() / 1'000'000);
  return found;
}

}  // namespace

int main(int count, char** arguments) {
  options wanted;
  for (int i = 1; i < count; i += 2)
    if (i + 1 == count || !take(wanted, arguments[i], arguments[i + 1]))
      return usage();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{wanted.seconds};
  totals sum;
  for (auto seed = wanted.only.value_or(wanted.first);; ++seed) {
    if (const auto found = play(seed, wanted, sum)) {
      const auto mutant = wanted.defect == mutation::none ? "" : " --mutation " + wanted.defect_name;
      const bool looked_for = expected_of(wanted.defect, found->invariant);
      std::printf("%s: seed %llu breaks %s: %s\nreplay: %s --seed %llu%s\n", looked_for ? "found" : "FAILED",
                  static_cast<unsigned long long>(seed), found->invariant.c_str(), found->text.c_str(), arguments[0],
                  static_cast<unsigned long long>(seed), mutant.c_str());
      return looked_for ? 0 : 1;
    }
    if (wanted.only || std::chrono::steady_clock::now() >= end)
      break;
  }
  std::printf("%llu seeds: %llu commits, %llu acts of owners, %llu s simulated; no promise was broken\n",
              static_cast<unsigned long long>(sum.seeds), static_cast<unsigned long long>(sum.commits),
              static_cast<unsigned long long>(sum.acts), static_cast<unsigned long long>(sum.simulated_s));
  if (wanted.defect == mutation::none)
    return 0;
  std::printf("FAILED: the defect %s was not found\n", wanted.defect_name.c_str());
  return 1;
}
