// What a node counts of its store, for metrics. Written by the store's thread, read by any.
#pragma once

#include "config/metrics.hpp"
#include "config/size_histogram.hpp"

namespace troupe::actors {

struct store_cells {
  duration_histogram committed;  ///< of this node's commits that went well, from asking to the answer
  duration_histogram written;    ///< until rows were durable on this node's disk (fsync)
  size_histogram batches;        ///< commits in one such write
};

}  // namespace troupe::actors
