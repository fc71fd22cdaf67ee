// One simulated cluster that moves calls, and everything that happens to it. The seed decides all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "clients.hpp"
#include "peer_witness.hpp"
#include "plan.hpp"
#include "registry.hpp"
#include "tests/sim/seeded.hpp"
#include "tests/sim/timeline.hpp"
#include "wires.hpp"
#include "witness.hpp"

namespace troupe::sim::calls {

struct machine;

class world {
public:
  world(std::uint64_t seed, mutation wanted, bool trace);
  ~world();

  /// Plays the seed to its end. Throws a `violation`.
  void run();

  // For the parts of the world:
  std::size_t index_of(const uuid& node) const { return by_id_.at(node); }
  void note(const machine& which, const std::string& text) const;
  void note(const std::string& text) const;

  seeded random;
  mutation defect;
  bool tracing;
  plan how;
  timeline time;
  wires net;
  registry store;
  witness seen;
  peer_witness heard;
  clients users;
  std::vector<uuid> functions;
  std::vector<bool> idempotent;  ///< by function
  std::uint32_t slots_per_instance = 1;
  std::vector<std::unique_ptr<machine>> machines;
  bool troubled = false;  ///< clients work and troubles go on

private:
  void keep_looking();
  void heal();
  bool all_know_each_other() const;
  void check_health(const std::string& when);
  std::string sick() const;
  void check_calls();
  void check_homes();
  void check_remains();

  std::unordered_map<uuid, std::size_t> by_id_;
  bool without_primary_ = false;  ///< after everything has healed
};

}  // namespace troupe::sim::calls
