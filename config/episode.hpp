// Says of something that goes wrong again and again when it is worth a line in the log: at its first time, and not
// again until it has stopped for a while.
#pragma once

#include <atomic>
#include <cstdint>

#include "config/clock.hpp"

namespace troupe {

/// May be shared by threads.
class episode {
public:
  explicit constexpr episode(milliseconds quiet) noexcept : quiet_{quiet} {}

  /// It went wrong. @returns whether it had not for at least `quiet`.
  bool begins(time_point now) noexcept {
    const auto at = now.time_since_epoch().count();
    const auto before = last_.exchange(at, std::memory_order_relaxed);
    return before == never || at - before >= duration{quiet_}.count();
  }

private:
  static constexpr std::int64_t never = INT64_MIN;
  const milliseconds quiet_;
  std::atomic<std::int64_t> last_{never};
};

}  // namespace troupe
