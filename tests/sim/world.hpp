// One simulated cluster and everything that happens to it. The seed decides all of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "network.hpp"
#include "node.hpp"
#include "plan.hpp"
#include "seeded.hpp"
#include "timeline.hpp"
#include "violation.hpp"
#include "witness.hpp"

namespace troupe::sim {

class world {
public:
  world(std::uint64_t seed, mutation wanted, bool trace);
  ~world();

  /// Plays the seed to its end. Throws a `violation`.
  void run();

  // For the parts of the world:
  std::size_t index_of(const cluster::node_id& id) const;
  void keep_ticking(node& machine, std::uint64_t of_life);
  /// Links that neither side wants are given up after a while.
  void close_unwanted(node& machine);
  /// What a starting node finds must be what it acknowledged.
  void check_disk(const node& machine) const;
  void note(const node& machine, const std::string& text) const;
  void note(const std::string& text) const;
  std::vector<std::size_t> up() const;
  /// The node with the newest history on its disk; nothing when no disk has any.
  std::optional<std::size_t> newest() const;

  seeded random;
  mutation defect;
  bool tracing;
  plan how;
  timeline time;
  witness seen;
  network net;
  std::vector<std::unique_ptr<node>> nodes;
  std::vector<std::size_t> seeds;
  std::vector<std::shared_ptr<commit_try>> unsettled;
  bool troubled = false;  ///< clients work and troubles go on

  std::size_t add_node();

private:
  std::map<cluster::node_id, std::size_t> by_id_;

  void keep_operating(std::size_t index);
  bool all_equal(const std::vector<std::size_t>& which) const;
  std::string where_all_are() const;
  std::string sick() const;
  void check_everything();
};

}  // namespace troupe::sim
