// Keeps this node's picture of the catalog level with the store and tells the node when it changed. On the control
// loop; serving never waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "actors/event_loop.hpp"
#include "cluster/catalog.hpp"
#include "cluster/catalog_source.hpp"
#include "cluster/catalog_view.hpp"

namespace troupe::actors {

class catalog_follower {
public:
  using change_callback = std::function<void(cluster::catalog_snapshot_ptr)>;

  catalog_follower(event_loop& control_loop, cluster::catalog_source& store, change_callback on_change);
  ~catalog_follower();

  /// Loads and then follows until `stop`. `loaded` runs once, on the control loop.
  void start(std::function<void(expected<void>)> loaded);
  /// On the control loop. Answers of the store that come later are dropped.
  void stop() { *alive_ = false; }

  /// On the control loop; never null.
  const cluster::catalog_snapshot_ptr& snapshot() const noexcept { return snapshot_; }
  /// Whether records of the store could not be read: the picture then lacks what they say.
  bool incomplete() const noexcept { return incomplete_; }
  /// Runs `done` on the control loop as soon as the picture is at or past `at`.
  /// @returns what `forget` takes while `done` waits; 0 when it ran at once.
  std::uint64_t when_at(cluster::cursor at, std::function<void()> done);
  /// What waits is dropped; numbers that do not wait are passed over.
  void forget(std::uint64_t waiting);

private:
  template <class T>
  cluster::catalog_store::callback<T> on_loop(void (catalog_follower::*handler)(T));
  void load();
  void follow();
  void retry_later(const error& why);
  void on_loaded(expected<cluster::loaded_history> result);
  void on_followed(cluster::follow_result result);
  void adopt(cluster::catalog_view view);

  event_loop& loop_;
  cluster::catalog_source& store_;
  change_callback on_change_;
  std::function<void(expected<void>)> loaded_;
  cluster::catalog_snapshot_ptr snapshot_ = std::make_shared<cluster::catalog_snapshot>();
  cluster::generation generation_;  ///< of the history that the snapshot is of
  bool incomplete_ = false;
  struct waiter {
    std::uint64_t number;
    cluster::cursor at;
    std::function<void()> done;
  };
  std::vector<waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
  struct retry_timer final : timer_listener {
    explicit retry_timer(catalog_follower& f) : owner{f} {}
    void on_timer(time_point) override { owner.load(); }
    catalog_follower& owner;
  } retry_{*this};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::actors
