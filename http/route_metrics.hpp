// What is counted of the requests that each route answered: per event loop cells, written by the connections of that
// loop, summed by whoever prints them. The counts of a route outlive the table that it stood in, for as long as a route
// of that key and function is deployed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/errc.hpp"
#include "config/metrics.hpp"
#include "functions/outcome.hpp"
#include "http/refusals.hpp"

namespace troupe::http {

/// How a request ended, as the client saw it: the class of the status, or without an answer since the client left.
enum class request_end : std::uint8_t { informed, succeeded, redirected, client_error, server_error, aborted };
inline constexpr std::size_t request_ends = 6;

/// `status` from 100 to 599.
request_end end_of(unsigned status) noexcept;
/// `2xx`, ..., `aborted`.
std::string_view to_string(request_end end) noexcept;

/// Requests of one route on one loop.
struct alignas(64) request_cells {
  std::array<counter_cell, request_ends> ends;
  std::array<counter_cell, errc_count> causes;  ///< of the answers that `error_reply` made
  duration_histogram answered;                  ///< from the whole request to its answer
  duration_histogram waited;                    ///< for an instance
  counter_cell cold_starts;                     ///< requests that waited for an instance to start
  counter_cell answer_bytes;                    ///< bodies

  /// `cause`: 0 for an answer that is no error of troupe's own. `result`: null when no function was called.
  void count(unsigned status, errc cause, std::size_t body_bytes, duration since_arrival,
             const functions::outcome* result) noexcept;
};

/// What the edge refused by itself on one loop, by `refusal_causes`.
using refusal_cells = std::array<counter_cell, refusal_causes.size()>;

/// Of one route key and function.
class route_metrics {
public:
  route_metrics(std::string key, std::string function, std::size_t loops)
      : key_{std::move(key)}, function_{std::move(function)}, loops_(loops) {}

  const std::string& key() const noexcept { return key_; }
  const std::string& function() const noexcept { return function_; }
  request_cells& of_loop(std::size_t index) noexcept { return loops_[index]; }
  std::span<const request_cells> loops() const noexcept { return loops_; }

private:
  std::string key_;
  std::string function_;
  std::vector<request_cells> loops_;
};

using route_metrics_ptr = std::shared_ptr<route_metrics>;

/// The key of a route; whoever has it keeps the counts alive.
inline std::shared_ptr<const std::string> key_of(const route_metrics_ptr& metrics) {
  return {metrics, &metrics->key()};
}

/// All routes that are counted. On the control loop.
class route_metrics_directory {
public:
  explicit route_metrics_directory(std::size_t loops) : loops_{loops} {}

  /// The counts of this route, begun now if it is new. A function that was removed and deployed again begins anew.
  route_metrics_ptr find_or_add(const std::string& key, const std::string& function);
  /// Forgets routes that are in no table any more.
  void forget_unused();
  std::vector<route_metrics_ptr> all() const;

private:
  std::size_t loops_;
  std::map<std::pair<std::string, std::string>, route_metrics_ptr> routes_;
};

}  // namespace troupe::http
