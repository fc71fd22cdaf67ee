// Where a store stands, as any thread may ask. For cluster_store only, which outlives whoever writes it.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "actors/stores/cluster_store.hpp"

namespace troupe::actors {

/// From any thread.
class published_point {
public:
  std::shared_ptr<const store_point> get() const {
    const std::lock_guard lock{mutex_};
    return point_;
  }
  void set(std::shared_ptr<const store_point> next) {
    const std::lock_guard lock{mutex_};
    point_ = std::move(next);
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const store_point> point_ = std::make_shared<store_point>();
};

}  // namespace troupe::actors
