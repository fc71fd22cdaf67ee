// What a router needs of other nodes. One per loop; everything on the loop's thread.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cluster/call_routing.hpp"
#include "config/ids.hpp"
#include "functions/invocation.hpp"
#include "functions/outcome.hpp"

namespace troupe::actors {

enum class remote_end : std::uint8_t {
  ran,      ///< the peer said what became of the call
  not_run,  ///< it certainly did not run: the outcome is the failure that says why
  unknown,  ///< it may have run: the outcome is the failure that says so
};

struct remote_result {
  remote_end end = remote_end::unknown;
  functions::outcome_ptr outcome;  ///< never null
};

class remote_calls {
public:
  /// Where a call of `function` that this loop's workers cannot take at once should run.
  /// @param tried  nodes that refused it already.
  virtual cluster::call_route choose(const uuid& function, const cluster::local_view& here,
                                     std::span<const uuid> tried) = 0;
  /// Runs it at `node`; `done` runs exactly once, later, and may call this again.
  virtual void run(const uuid& node, functions::invocation_ptr call, std::function<void(remote_result)> done) = 0;

protected:
  ~remote_calls() = default;
};

}  // namespace troupe::actors
