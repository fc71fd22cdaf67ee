// What the admin port answers on troupe's own API (docs/admin-api.md): JSON bodies and statuses. Pure values in, text
// out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/catalog.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::http {

/// How many instances of a function there are.
struct instance_counts {
  std::uint64_t ready = 0;
  std::uint64_t starting = 0;
};

/// What a deployment that succeeded did beside storing the record: an instance of it is ready.
struct deployed {
  bool fresh = true;  ///< the name was not deployed before: 201, else 200
  std::uint64_t start_ms = 0;
  bool cold = true;     ///< a process was started for it; false when a waiting one took the code
  unsigned copies = 0;  ///< disks that hold its code; 0: not said
  /// Members whose copies of the store do not have it yet; nothing: the node has no cluster.
  std::optional<std::vector<std::string>> laggards{};
};

struct node_description {
  std::string name;
  std::string state;              ///< `joining`, `starting`, `ready`, `stalled` or `draining`
  std::vector<std::string> http;  ///< addresses of the gateway, `host:port`
  std::string admin;
  std::string boot_id;            ///< functions::boot_id()
  std::uint64_t actors = 0;       ///< that run in the process
  std::uint64_t instances = 0;    ///< worker processes that take calls, of all functions
  std::uint64_t generic = 0;      ///< that wait for code
  std::uint64_t waiting = 0;      ///< calls that wait for one
  std::uint64_t promised_mb = 0;  ///< memory that worker processes may use, also those that start or end
};

// Each body is one `application/json` object and a line feed. Bytes that are not UTF-8 are replaced by U+FFFD.

std::string missing_body(std::span<const digest> missing);
std::string stored_body(const digest& blob, std::uint64_t bytes);
/// @param routes  of all functions, or of this one.
std::string function_body(const cluster::function_record& function, std::span<const cluster::route_record> routes,
                          const instance_counts& instances);
/// `function_body` with the members of `result`.
std::string deployed_body(const cluster::function_record& function, std::span<const cluster::route_record> routes,
                          const instance_counts& instances, const deployed& result);
/// @param instances  of each function, in the same order.
std::string functions_body(std::span<const cluster::function_record> functions,
                           std::span<const cluster::route_record> routes, std::span<const instance_counts> instances);
/// @param laggards  as in `deployed`.
std::string removed_body(std::string_view function, const std::optional<std::vector<std::string>>& laggards);
std::string routes_body(std::span<const cluster::route_record> routes);
std::string node_body(const node_description& node);

std::string error_body(const error& why);
/// The 409 of a deployment whose code the node lacks: the client uploads these blobs and repeats the request.
std::string missing_blobs_error_body(std::span<const digest> missing);

/// The status that goes with `error_body` when a request fails for `code`. Missing blobs are 409.
unsigned admin_status_of(errc code) noexcept;

}  // namespace troupe::http
