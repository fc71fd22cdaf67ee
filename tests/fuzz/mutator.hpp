// Makes inputs out of a target's seeds and words: the same seed, the same input, on every machine. Used by both
// drivers.
#pragma once

#include <cstdint>
#include <string>

#include "tests/fuzz/target.hpp"
#include "tests/sim/seeded.hpp"

namespace troupe::fuzz {

/// One input, often a valid one with some faults.
std::string make_input(const target& what, std::uint64_t seed);

/// A few changes to an input of the target's form; at most `target::max_bytes` come out.
std::string change_input(const target& what, std::string input, sim::seeded& choices);

}  // namespace troupe::fuzz
