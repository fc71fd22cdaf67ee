// Waits for the copies of what was committed: until every member that is trusted has it, or for a second. On the
// control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/event_loop.hpp"
#include "cluster/cluster_store.hpp"

namespace troupe::actors {

struct spread_waits_config {
  /// Asks the store, as `cluster_store::wait_spread`.
  std::function<void(cluster::cursor at, time_point deadline,
                     cluster::catalog_store::callback<expected<cluster::spread>> done)>
      ask;
  /// Members other than this node, by name, and whether this one suspects a member. On the control loop.
  std::function<std::vector<std::string>()> members;
  std::function<bool(const std::string& name)> is_suspected;
  milliseconds patience{1'000};
};

class spread_waits {
public:
  /// `laggards`: names of members whose copies are not known to have it, in no particular order.
  using continuation = std::function<void(const std::vector<std::string>& laggards)>;

  spread_waits(event_loop& control, spread_waits_config config);
  ~spread_waits();
  spread_waits(const spread_waits&) = delete;
  spread_waits& operator=(const spread_waits&) = delete;

  /// `done` runs once, later. A member that is suspected is named and not waited for.
  void await(cluster::cursor at, continuation done);
  /// What still waits is dropped.
  void stop();

private:
  struct waiting;

  void ask(waiting& which);
  void on_spread(std::uint64_t number, const expected<cluster::spread>& known);
  void end(std::uint64_t number, const std::vector<std::string>& laggards);

  event_loop& loop_;
  const spread_waits_config config_;
  std::map<std::uint64_t, std::unique_ptr<waiting>> waiting_;
  std::uint64_t last_ = 0;
  std::shared_ptr<const int> alive_ = std::make_shared<const int>(0);
};

}  // namespace troupe::actors
