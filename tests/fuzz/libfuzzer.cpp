// Gives libFuzzer the seeds, words and changes of the seeded driver, so that it needs no corpus to begin with.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/mutator.hpp"
#include "tests/fuzz/target.hpp"

// libFuzzer's own changes.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  using namespace troupe::fuzz;
  troupe::sim::seeded choices{seed};
  std::string changed;
  if (size < 2 || choices.one_in(32))
    changed = make_input(this_target(), choices.next());
  else if (choices.one_in(2))
    return LLVMFuzzerMutate(data, size, max_size);
  else
    changed = change_input(this_target(), std::string{text_of(data, size)}, choices);
  const auto kept = std::min(changed.size(), max_size);
  std::memcpy(data, changed.data(), kept);
  return kept;
}
