// The parts of a node's /metrics page (docs/metrics.md). Only cli/node_metrics and these parts include this; on the
// control loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/compute_loops.hpp"
#include "actors/function_execution.hpp"
#include "actors/function_load.hpp"
#include "actors/stores/cluster_store.hpp"
#include "actors/watchdog.hpp"
#include "cli/node_cluster.hpp"
#include "cluster/copy_lag.hpp"
#include "config/clock.hpp"
#include "http/metrics_page.hpp"

namespace troupe::cli {

using function_counts = std::map<std::string, std::shared_ptr<const std::vector<actors::function_cells>>>;
using function_loads = std::map<std::string, std::shared_ptr<const actors::function_load>>;

/// Calls of each function that this node counts, by name.
void add_calls(http::metrics_page& page, const function_counts& functions);
/// Instances of the functions with worker processes.
void add_instances(http::metrics_page& page, const function_loads& functions, time_point now);
/// Native functions inside the node, and the compute loops if there are any.
void add_execution(http::metrics_page& page, const std::vector<actors::function_execution_ptr>& functions,
                   const actors::compute_loops::figures& compute, std::size_t overdue_compute);
void add_stalls(http::metrics_page& page, const std::vector<actors::watchdog::loop_figures>& loops);
/// @param lag  commits that the primary has and this node's copy not.
void add_store(http::metrics_page& page, actors::built_in_store& store, std::uint64_t lag);
/// Copies of the store at other nodes, as the primary sees them.
/// @param lag  of copies, by what they told last.
void add_copies(http::metrics_page& page, const node_cluster& cluster, const cluster::copy_lag& lag);
/// Peers, the links to them, the control plane, code that comes from them.
void add_cluster(http::metrics_page& page, const node_cluster& cluster);

}  // namespace troupe::cli
