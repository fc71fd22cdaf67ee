// What a fuzz target is made of: the entry that libFuzzer also calls, what inputs look like, and the words in which it
// says what came of them. One file per target; how inputs are made is the business of `mutator` and the drivers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/seeded.hpp"

/// Runs the parser on one input and checks its promises. Always returns 0; a broken promise ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace troupe::fuzz {

enum class input_form : std::uint8_t {
  plain,   ///< bytes or text; several parts, when `target::parts` says so
  frames,  ///< each seed begins with its length in 4 bytes, the low one first; inputs are several of them
};

struct target {
  std::vector<std::string> seeds;  ///< inputs that the parser takes; at least one
  std::vector<std::string> words;  ///< what the parser looks for
  /// What must have happened, by the numbers that `happened` gets: a target whose inputs are
  /// all refused at the first byte proves nothing.
  std::vector<std::string> outcomes;
  std::uint64_t enough = 10'000;  ///< inputs, after which each of them must have happened
  input_form form = input_form::plain;
  std::size_t parts = 1;         ///< that `join_parts` made each seed of: they are changed one at a time
  std::size_t max_bytes = 2048;  ///< of inputs that the drivers make
};

/// Defined by the target.
const target& this_target();

/// Ends the process, naming the promise and the line, when it does not hold; also without asserts.
void require(bool holds, std::string_view promise, std::source_location where = std::source_location::current());

/// Counts an outcome. @param outcome  its place in `target::outcomes`.
void happened(std::size_t outcome) noexcept;
/// How often it was counted.
std::uint64_t times_happened(std::size_t outcome) noexcept;

/// Several strings as one input: all but the last with their length in 2 bytes in front.
std::string join_parts(const std::vector<std::string>& parts);
/// Takes apart any input: lengths that lie are cut, what is missing is empty. @param count  at least 1.
std::vector<std::string> take_parts(std::string_view input, std::size_t count);

/// Random choices that follow from the input alone, for what the input does not say (where a stream is cut).
sim::seeded choices_for(std::string_view input) noexcept;

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace troupe::fuzz
