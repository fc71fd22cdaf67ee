// The seeded driver: plays inputs until the time is over or a promise is broken, and prints what replays it
// (README.md).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/fuzz/failure.hpp"
#include "tests/fuzz/mutator.hpp"
#include "tests/fuzz/target.hpp"

namespace {

using namespace troupe::fuzz;
using steady = std::chrono::steady_clock;

/// More than any input may take; under sanitizers address space is no measure.
constexpr rlim_t max_address_space = rlim_t{2} << 30;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_sanitizer = true;
#elif defined(__has_feature)
constexpr bool has_sanitizer = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool has_sanitizer = false;
#endif

struct options {
  double seconds = 2;
  int patience = 10;  ///< seconds of CPU that one input may take, also under sanitizers
  std::uint64_t first = 1;
  std::optional<std::uint64_t> only;
  std::vector<const char*> files;
};

int usage(const char* program) {
  std::fprintf(stderr, "usage: %s [--seconds N] [--first SEED | --seed SEED] [--patience N]\n       %s FILE...\n",
               program, program);
  return 2;
}

bool take(options& wanted, int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (!name.starts_with("--")) {
      wanted.files.push_back(arguments[i]);
      continue;
    }
    if (++i == count)
      return false;
    if (name == "--seconds")
      wanted.seconds = std::atof(arguments[i]);
    else if (name == "--patience")
      wanted.patience = std::atoi(arguments[i]);
    else if (name == "--first")
      wanted.first = std::strtoull(arguments[i], nullptr, 10);
    else if (name == "--seed")
      wanted.only = std::strtoull(arguments[i], nullptr, 10);
    else
      return false;
  }
  return true;
}

/// On the heap and of just this size: a sanitizer sees reads beyond it.
void run(const char* bytes, std::size_t size) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes), size);
}

int play_files(const std::vector<const char*>& files) {
  for (const auto* path : files) {
    std::ifstream file{path, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", path);
      return 2;
    }
    now_runs_file(path, bytes);
    run(bytes.data(), bytes.size());
    std::printf("%s: %zu bytes; no promise was broken\n", path, bytes.size());
  }
  return 0;
}

struct totals {
  std::uint64_t runs = 0;
  std::uint64_t slowest_seed = 0;
  steady::duration slowest{};
};

totals play_seeds(const options& wanted) {
  const auto end = steady::now() + std::chrono::duration<double>{wanted.seconds};
  totals done;
  for (auto seed = wanted.only.value_or(wanted.first);; ++seed) {
    const auto input = make_input(this_target(), seed);
    const auto exact = std::make_unique_for_overwrite<char[]>(input.size());
    std::copy(input.begin(), input.end(), exact.get());
    now_runs(seed, {exact.get(), input.size()});
    const auto begin = steady::now();
    run(exact.get(), input.size());
    const auto now = steady::now();
    ++done.runs;
    if (now - begin > done.slowest) {
      done.slowest = now - begin;
      done.slowest_seed = seed;
    }
    if (wanted.only || now >= end)
      return done;
  }
}

int report(const totals& done, bool is_replay) {
  const auto cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::printf("%llu inputs in %.1f s of CPU, at most %ld MB; slowest %.1f ms (seed %llu)",
              static_cast<unsigned long long>(done.runs), cpu, used.ru_maxrss / 1024,
              std::chrono::duration<double, std::milli>(done.slowest).count(),
              static_cast<unsigned long long>(done.slowest_seed));
  const auto& outcomes = this_target().outcomes;
  std::string missing;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    std::printf("%s%llu %s", i == 0 ? "; " : ", ", static_cast<unsigned long long>(times_happened(i)),
                outcomes[i].c_str());
    if (times_happened(i) == 0)
      missing += (missing.empty() ? "" : ", ") + outcomes[i];
  }
  if (!is_replay && done.runs >= this_target().enough && !missing.empty()) {
    std::printf("\nFAILED: never reached: %s\n", missing.c_str());
    return 1;
  }
  std::puts("; no promise was broken");
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  options wanted;
  if (!take(wanted, count, arguments))
    return usage(arguments[0]);
  catch_failures(arguments[0], wanted.patience);
  if (!has_sanitizer) {
    const rlimit bound{max_address_space, max_address_space};
    ::setrlimit(RLIMIT_AS, &bound);
  }
  if (!wanted.files.empty())
    return play_files(wanted.files);
  return report(play_seeds(wanted), wanted.only.has_value());
}
