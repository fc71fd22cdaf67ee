// The clocks of one machine: they do not agree with anybody's and go a little too fast or slow.
#pragma once

#include "config/clock.hpp"
#include "seeded.hpp"
#include "timeline.hpp"

namespace troupe::sim {

class skewed_clock {
public:
  skewed_clock(seeded& random, std::int64_t max_drift_ppm)
      : steady_base_{random.between<std::int64_t>(1, 1'000'000) * 1'000'000},
        boot_base_{random.between<std::int64_t>(1, 1'000'000) * 1'000'000}, drift_ppm_{random.between(-max_drift_ppm,
                                                                                                      max_drift_ppm)} {}

  /// CLOCK_MONOTONIC: it stands while the machine is suspended.
  time_point steady(instant true_now) const {
    return time_point{steady_base_ + here((suspended_ ? suspended_at_ : true_now) - slept_)};
  }
  /// CLOCK_BOOTTIME: it does not.
  milliseconds boot(instant true_now) const {
    return std::chrono::duration_cast<milliseconds>(boot_base_ + here(true_now));
  }
  void suspend(instant true_now) {
    suspended_ = true;
    suspended_at_ = true_now;
  }
  bool suspended() const noexcept { return suspended_; }
  void resume(instant true_now) {
    if (std::exchange(suspended_, false))
      slept_ += true_now - suspended_at_;
  }

  /// How long it really takes until these clocks have gone on by `length`, at least.
  instant true_length(instant length) const { return length * 1'000'000 / (1'000'000 + drift_ppm_) + instant{2}; }

private:
  instant here(instant passed) const { return passed + passed * drift_ppm_ / 1'000'000; }

  instant steady_base_;
  instant boot_base_;
  std::int64_t drift_ppm_;
  bool suspended_ = false;
  instant suspended_at_{0};
  instant slept_{0};
};

}  // namespace troupe::sim
