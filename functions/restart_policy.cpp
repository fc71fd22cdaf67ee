#include "functions/restart_policy.hpp"

#include <algorithm>

namespace troupe::functions {

bool restart_policy::may_start(time_point now) const noexcept {
  return now >= next_start();
}

time_point restart_policy::next_start() const noexcept {
  return trial_running_ ? time_point::max() : start_allowed_at_;
}

void restart_policy::start_begun() noexcept {
  trial_running_ = open_;
}

void restart_policy::start_failed(time_point now) noexcept {
  trial_running_ = false;
  ++failed_starts_;
  open_ = open_ || failed_starts_ >= limits_.failed_starts;
  const auto wait = open_ ? duration{limits_.trial_interval} : delay_after(failed_starts_);
  start_allowed_at_ = std::max(start_allowed_at_, now + wait);
}

void restart_policy::start_abandoned() noexcept {
  trial_running_ = false;
}

void restart_policy::start_succeeded() noexcept {
  trial_running_ = false;
  open_ = false;
  failed_starts_ = 0;
  // What the failed starts delayed may go on at once; the delay after crashes stays.
  start_allowed_at_ = crashes_ == 0 ? time_point::min() : last_crash_at_ + delay_after(crashes_);
}

void restart_policy::crashed(time_point loaded_at, time_point now) noexcept {
  const bool quick = now - loaded_at < limits_.quick_crash;
  if (quick && crashes_ > 0 && loaded_at <= last_crash_at_)
    return;
  crashes_ = quick ? crashes_ + 1 : 1;
  last_crash_at_ = now;
  start_allowed_at_ = std::max(start_allowed_at_, now + delay_after(crashes_));
}

void restart_policy::reset() noexcept {
  *this = restart_policy{limits_};
}

duration restart_policy::delay_after(std::uint32_t failures) const noexcept {
  if (failures <= 1)
    return duration::zero();
  constexpr std::uint32_t most_doublings = 30;  // beyond any limit, and the shift stays defined
  const auto doublings = std::min(failures - 2, most_doublings);
  return std::min<duration>(limits_.longest_delay, limits_.first_delay * (std::int64_t{1} << doublings));
}

}  // namespace troupe::functions
