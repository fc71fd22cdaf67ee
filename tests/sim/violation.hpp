// A promise that a run has seen broken. The names are those of README.md in this folder.
#pragma once

#include <string>
#include <utility>

namespace troupe::sim {

/// Thrown out of the run that broke it.
struct violation {
  std::string invariant;
  std::string text;
};

[[noreturn]] inline void broken(std::string invariant, std::string text) {
  throw violation{std::move(invariant), std::move(text)};
}

}  // namespace troupe::sim
