// A limit that may change while what it bounds runs.
#pragma once

#include <atomic>
#include <memory>

namespace troupe {

/// Copies share the value: `set` of one is seen by all of them. From any thread.
template <class T>
class live_value {
public:
  live_value(T value) : shared_{std::make_shared<std::atomic<T>>(value)} {}

  T get() const noexcept { return shared_->load(std::memory_order_relaxed); }
  void set(T value) const noexcept { shared_->store(value, std::memory_order_relaxed); }

private:
  std::shared_ptr<std::atomic<T>> shared_;
};

}  // namespace troupe
