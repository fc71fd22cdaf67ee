// The programs that run handlers of other languages, compiled into the binary so that a worker never depends on a path
// into the source tree. Writing them to where a worker can read them is the caller's business.
#pragma once

#include <string_view>

namespace troupe::functions {

/// The CommonJS source of the Node.js worker (18 and newer): one file, run as `node FILE` with the channel as
/// descriptor 3.
std::string_view node_shim() noexcept;

/// The source of the Python worker (3.9 and newer): one file, run as `python3 -u -s FILE` with the channel as
/// descriptor 3.
std::string_view python_shim() noexcept;

}  // namespace troupe::functions
