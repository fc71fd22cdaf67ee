// Whether a node that slept may answer clients from its copy again (RULES: Cluster): its copy must be level with one
// peer that it has reached since, unless none is in reach. Pure: who is in reach, and instants, are handed in.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

class wake_check {
public:
  static constexpr milliseconds ask_interval{100};  ///< between two questions to a peer that did not answer

  /// Everything that was known before counts no more. What was asked before must not be told any more.
  void slept();

  /// Peers to ask now how far their copies are.
  std::vector<uuid> due(std::span<const uuid> in_reach, time_point now);
  void answered(cursor at);
  /// It did not answer, or what it said is not comparable; it is asked again.
  void failed(const uuid& peer, time_point now);

  /// @param own  what this node answers by.
  bool may_serve(std::span<const uuid> in_reach, cursor own) const;

private:
  std::map<uuid, time_point> ask_at_;  ///< never while a question is open, or answered
  std::optional<cursor> lowest_;       ///< of the peers that answered
};

}  // namespace troupe::cluster
