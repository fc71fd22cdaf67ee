// What the driver does when an input ends the process: says which one it was and keeps it as a file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::fuzz {

/// Once, before the first input.
/// @param program          as it was called, for the command that replays.
/// @param max_cpu_seconds  that one input may take; CPU time, so that a busy machine is no failure.
void catch_failures(std::string program, int max_cpu_seconds);

/// Before each input, which must live until the next one.
void now_runs(std::uint64_t seed, std::string_view input) noexcept;
/// The same for an input that came from a file.
void now_runs_file(const char* path, std::string_view input) noexcept;

}  // namespace troupe::fuzz
