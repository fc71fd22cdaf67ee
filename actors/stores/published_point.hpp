// Where a store stands and how it is, as any thread may ask. For cluster_store only, which outlives whoever writes it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "actors/stores/cluster_store.hpp"

namespace troupe::actors {

/// From any thread.
class published_point {
public:
  store_cells cells;  ///< the store's thread alone writes them

  std::shared_ptr<const store_point> get() const {
    const std::lock_guard lock{mutex_};
    return point_;
  }
  void set(std::shared_ptr<const store_point> next) {
    const std::lock_guard lock{mutex_};
    point_ = std::move(next);
  }
  cluster::store_health health() const {
    const std::lock_guard lock{mutex_};
    auto known = health_;
    if (backed_up_at_)
      known.backup_age = std::chrono::duration_cast<seconds>(clock::now() - *backed_up_at_);
    return known;
  }
  void backed_up(time_point at) {
    const std::lock_guard lock{mutex_};
    backed_up_at_ = at;
  }
  void set(cluster::store_health next) {
    const std::lock_guard lock{mutex_};
    health_ = std::move(next);
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const store_point> point_ = std::make_shared<store_point>();
  cluster::store_health health_;
  std::optional<time_point> backed_up_at_;
};

}  // namespace troupe::actors
