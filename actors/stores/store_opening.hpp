// What a store starts from: what its file holds, and what is done when that is damaged or gone.
#pragma once

#include "actors/stores/cluster_store.hpp"
#include "actors/stores/store_disk.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

/// @param options  gets further seeds when a copy is to be loaded anew.
/// @returns the errors of `open_cluster_store`.
expected<store_disk> open_store_disk(cluster_store_options& options);

}  // namespace troupe::actors
