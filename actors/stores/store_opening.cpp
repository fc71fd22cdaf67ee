#include "actors/stores/store_opening.hpp"

#include <utility>

#include "actors/stores/store_place.hpp"
#include "config/log.hpp"

namespace troupe::actors {

using cluster::store_role;

namespace {

/// A store that is not where it was: a copy is loaded anew, a primary is lost.
expected<store_disk> judge_missing(const store_place& place, store_disk disk, cluster_store_options& options) {
  if (place.role != store_role::copy)
    return fail(errc::corrupt, options.data_dir +
                                   "/store.db, the store of this cluster's primary, is missing. Two ways out: put a "
                                   "backup of this file in its place, or start with an empty data directory");
  options.seeds.insert(options.seeds.end(), place.addresses.begin(), place.addresses.end());
  return disk;
}

}  // namespace

expected<store_disk> open_store_disk(cluster_store_options& options) {
  const auto place = options.network == nullptr ? std::nullopt : read_store_place(options.data_dir);
  const auto missing = options.seeds.empty() && !place ? missing_store::make : missing_store::leave;
  auto disk = store_disk::open(options.data_dir, options.vfs, missing);
  if (disk)
    return disk->has_store() || !place ? std::move(disk) : judge_missing(*place, std::move(*disk), options);
  if (disk.error().code != errc::corrupt || !place || place->role != store_role::copy || place->addresses.empty())
    return disk;
  // Everything in it is at the primary as well.
  auto aside = set_store_aside(options.data_dir);
  if (!aside)
    return tl::unexpected{std::move(aside.error())};
  log_event(log_level::error, "store_set_aside", {{"path", *aside}, {"reason", disk.error().what}});
  auto empty = store_disk::open(options.data_dir, options.vfs, missing_store::leave);
  return empty ? judge_missing(*place, std::move(*empty), options) : std::move(empty);
}

}  // namespace troupe::actors
