// Whether the program of a runtime can be started: what PATH holds may be a wrapper around something that is not
// installed. Blocking: for the files thread.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "functions/launch.hpp"

namespace troupe::functions {

class runtime_trial {
public:
  /// @param limit  for one program to say its version.
  explicit runtime_trial(runtime_programs programs, milliseconds limit = seconds{10})
      : programs_{std::move(programs)}, limit_{limit} {}

  /// Starts the interpreter that functions of `runtime` would run with, once for each; `native` needs none.
  /// @returns `errc::refused` when there is none, or when it does not answer `--version`, saying why.
  expected<void> check(std::string_view runtime);

private:
  runtime_programs programs_;
  milliseconds limit_;
  std::set<std::string> started_;  ///< programs that did
};

}  // namespace troupe::functions
