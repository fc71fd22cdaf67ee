// One call of a function on its way down: from the edge or the control API through the router to an instance.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/clock.hpp"
#include "config/ids.hpp"
#include "functions/function_spec.hpp"
#include "functions/http_request.hpp"

namespace troupe::functions {

using path_parameters = std::vector<std::pair<std::string_view, std::string>>;

struct invocation {
  function_ref function;
  troupe::request_id request_id;
  uuid invocation_id;        ///< `awsRequestId`; kept over retries and hops
  time_point arrived_at;     ///< when the edge had the whole request
  time_point deadline;       ///< nobody waits beyond it; the function may run on to its own timeout
  http_request_ptr request;  ///< null for a direct invoke
  std::shared_ptr<const std::string>
      route_key;                    ///< `GET /pets/{id}`, `$default`; the names in `parameters` point into it
  path_parameters parameters;       ///< name as in the route, decoded value
  std::string json;                 ///< the event of a direct invoke
  std::string client_context;       ///< of a direct invoke: JSON, or empty
  std::string trace;                ///< of a direct invoke: X-Amzn-Trace-Id as the caller gave it, or empty
  bool by_link = false;             ///< another node sent it: it runs here or is refused
  bool wants_log_tail = false;      ///< the caller wants `outcome::log_tail`
  mutable std::vector<uuid> tried;  ///< nodes that were asked to run it, for the router that has the call
  mutable std::size_t retries = 0;  ///< times that it was tried at another place, whoever has it
  mutable std::atomic<bool> abandoned{false};            ///< nobody waits any more: what has not started need not
  std::shared_ptr<const std::atomic<bool>> caller_gone;  ///< of a direct invoke: the same, set by who took the request

  bool is_abandoned() const noexcept {
    return abandoned.load(std::memory_order_relaxed) || (caller_gone && caller_gone->load(std::memory_order_relaxed));
  }
};

using invocation_ptr = std::shared_ptr<const invocation>;

/// How long a call has waited that begins, or is given up, at `at`. Two loops' clocks may be a batch apart.
inline duration wait_of(const invocation& call, time_point at) noexcept {
  return std::max(duration{}, at - call.arrived_at);
}

/// What a call that waits keeps in memory, its body above all.
inline std::size_t bytes_of(const invocation& call) noexcept {
  return call.request ? call.request->body.size() : call.json.size();
}

}  // namespace troupe::functions
