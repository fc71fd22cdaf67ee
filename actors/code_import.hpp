// Takes the code of a deployment into the store of this node and makes it durable. Blocking: for the files thread.
#pragma once

#include <cstdint>
#include <vector>

#include "actors/deployment.hpp"
#include "actors/object_isolation.hpp"
#include "functions/code_store.hpp"

namespace troupe::actors {

struct imported_code {
  digest code;
  std::uint64_t bytes = 0;
  std::vector<digest> blobs;    ///< that the code consists of, each once
  std::vector<digest> missing;  ///< not empty: nothing else counts
};

/// Shared objects that will run inside the node are loaded here, so that a broken one is refused.
/// @returns the errors of `functions::code_store`; nothing is said of code that stays unchanged.
expected<imported_code> import_code(functions::code_store& code, const deployment& what,
                                    const object_isolation& objects);

}  // namespace troupe::actors
