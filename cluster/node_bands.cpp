#include "cluster/node_bands.hpp"

#include <algorithm>

namespace troupe::cluster {

expected<void> node_bands::accept(const band_order& order, const uuid& from, const uuid& incarnation,
                                  const uuid& home) {
  if (from != home)
    return fail(errc::conflict, "node " + to_string(from) + " is not the home of function " +
                                    to_string(order.function) + ", as this node sees it");
  auto& known = bands_[order.function];
  if (known.incarnation == incarnation && order.number <= known.number)
    return fail(errc::conflict, "a later order came before order " + std::to_string(order.number));
  known = {order.band, incarnation, order.number};
  return {};
}

instance_band node_bands::current(const uuid& function, const split_limits& limits, home_standing home) {
  const auto bound = limits.max == 0 ? no_max : limits.max;
  if (home == home_standing::alone) {
    if (limits.min == 0 && limits.max == 0)
      bands_.erase(function);
    else
      bands_[function] = {{limits.min, limits.max}, {}, 0};
    return {limits.min, bound};
  }
  const auto found = bands_.find(function);
  auto band = found == bands_.end() ? instance_band{} : found->second.band;
  if (limits.max == 0 || (band.max == 0 && home == home_standing::suspected))
    band.max = bound;
  band.max = std::min(band.max, bound);
  band.min = std::min({band.min, band.max, limits.min});
  return band;
}

instance_band node_bands::held(const uuid& function) const {
  const auto found = bands_.find(function);
  return found == bands_.end() ? instance_band{} : found->second.band;
}

void node_bands::keep_only(const std::function<bool(const uuid& function)>& deployed) {
  std::erase_if(bands_, [&](const auto& each) { return !deployed(each.first); });
}

}  // namespace troupe::cluster
