// The store, as far as calls see it: who is registered and who has a session. Nodes read it when they reach the machine
// that has it; while that one is away nobody's session ends.
#pragma once

#include <set>
#include <vector>

#include "cluster/member_table.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class world;

class registry {
public:
  explicit registry(world& all) : all_{all} {}
  void add_node();
  bool in_reach(std::size_t from) const;
  /// A process that lives asks for its session, or renews it.
  void renew(std::size_t node);
  /// At times: sessions that nobody renewed end.
  void expire();
  /// An operator takes a node off the list, and puts it there again.
  void remove(std::size_t node) { removed_.insert(node); }
  void add(std::size_t node) { removed_.erase(node); }
  void add_all() { removed_.clear(); }
  std::vector<cluster::registered_node> nodes() const;

private:
  world& all_;
  std::vector<cluster::registered_node> nodes_;
  std::vector<instant> ends_at_;
  std::set<std::size_t> removed_;
};

}  // namespace troupe::sim::calls
