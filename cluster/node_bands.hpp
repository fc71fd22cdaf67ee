// What this node may run of each function, as the homes have said, and what it may while they have not. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "cluster/band_split.hpp"
#include "cluster/instance_band.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// How this node stands towards the home of a function.
enum class home_standing : std::uint8_t {
  alone,      ///< no other node is registered: this one decides for itself
  reachable,  ///< there is one that may decide, perhaps this node
  suspected,  ///< the node that had decided is suspected, and its successor may not have yet
};

class node_bands {
public:
  /// Takes an order of a home, or not. An order that another one has overtaken is refused, also one of a node that is
  /// not the function's `home` in this node's own view. Errors: `conflict`.
  /// @param from         who sent it, in which start.
  expected<void> accept(const band_order& order, const uuid& from, const uuid& incarnation, const uuid& home);
  /// What this node may run now. A node alone keeps what it had when others come, until a home says otherwise.
  instance_band current(const uuid& function, const split_limits& limits, home_standing home);
  /// What a home, or being alone, has given; what it tells others.
  instance_band held(const uuid& function) const;
  void keep_only(const std::function<bool(const uuid& function)>& deployed);

private:
  struct entry {
    instance_band band;
    uuid incarnation;          ///< of the home that gave it; nil: none did
    std::uint64_t number = 0;  ///< of its order
  };
  std::map<uuid, entry> bands_;
};

}  // namespace troupe::cluster
