#include "functions/execution_class.hpp"

#include <algorithm>
#include <utility>

namespace troupe::functions {

const char* to_string(execution_class which) noexcept {
  switch (which) {
    case execution_class::compute: return "compute";
    case execution_class::inlined: return "inline";
  }
  return "compute";
}

void call_samples::add_measured(duration cpu, std::uint64_t waited, const execution_limits& limits) noexcept {
  ++calls;
  ++measured;
  if (cpu > limits.short_cpu || waited > 0)
    ++over_short;
  if (cpu > limits.long_cpu || waited > 0)
    ++unfit;
}

bool class_judge::take(const call_samples& news, time_point now) noexcept {
  if (current_ == execution_class::compute) {
    if (!may_be_promoted(news, now))
      return false;
    current_ = execution_class::inlined;
    promoted_at_ = now;
    suspect_ = 0;
    return true;
  }
  if (!must_be_demoted(news))
    return false;
  current_ = execution_class::compute;
  window_ = {};
  if (now - promoted_at_ >= limits_.forgiven_after)
    wait_ = {};
  wait_ = wait_ == duration{} ? limits_.first_wait : std::min(2 * wait_, limits_.longest_wait);
  may_promote_at_ = now + wait_;
  return true;
}

bool class_judge::may_be_promoted(const call_samples& news, time_point now) noexcept {
  window_.measured += news.measured;
  window_.over_short += news.over_short;
  if (window_.measured < limits_.samples)
    return false;
  const auto seen = std::exchange(window_, {});
  // The 99th percentile is short when at most one in a hundred is not. Some that waited are no reason: on compute loops
  // calls meet at the locks of the allocator, and whoever holds one may have lost its processor.
  return now >= may_promote_at_ && seen.over_short <= seen.measured / 100;
}

/// One unfit call may be an accident: a page that had to come from the disk, a lock that another thread held.
bool class_judge::must_be_demoted(const call_samples& news) noexcept {
  calls_since_ += news.calls;
  if (calls_since_ > limits_.suspect_calls)
    suspect_ = 0;
  if (news.unfit == 0)
    return false;
  suspect_ += news.unfit;
  calls_since_ = 0;
  return suspect_ >= 2;
}

}  // namespace troupe::functions
