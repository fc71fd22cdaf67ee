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

void call_samples::add_measured(duration cpu, std::uint64_t waits, const execution_limits& limits) noexcept {
  ++calls;
  ++measured;
  if (cpu > limits.short_cpu || waits > 0)
    ++over_short;
  if (cpu > limits.long_cpu)
    ++over_long;
  if (waits > 0)
    ++waited;
}

void call_samples::add(const call_samples& more) noexcept {
  calls += more.calls;
  measured += more.measured;
  over_short += more.over_short;
  over_long += more.over_long;
  waited += more.waited;
}

bool class_judge::take(const call_samples& news, time_point now) noexcept {
  if (current_ == execution_class::compute) {
    if (!may_be_promoted(news, now))
      return false;
    current_ = execution_class::inlined;
    promoted_at_ = now;
    calls_since_ = 0;
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
  window_.add(news);
  if (window_.measured < limits_.samples)
    return false;
  const auto seen = std::exchange(window_, {});
  // The 99th percentile is short when at most one in a hundred is not. Some that waited are no reason: on compute loops
  // calls meet at the locks of the allocator, and whoever holds one may have lost its processor.
  return now >= may_promote_at_ && seen.over_short <= seen.measured / 100;
}

/// One unfit call may be an accident: a page that had to come from the disk, a lock whose holder had lost its
/// processor. Accidents of the second kind come in numbers on a busy machine, but are few among the calls.
bool class_judge::must_be_demoted(const call_samples& news) noexcept {
  calls_since_ += news.calls;
  if (calls_since_ > limits_.suspect_calls)
    window_ = {};
  if (news.unfit() > 0)
    calls_since_ = 0;
  else if (window_.unfit() == 0)
    return false;
  window_.add(news);
  return window_.over_long > limits_.most_long ||
         (window_.waited > limits_.most_waiting && window_.waited * 100 > window_.measured);
}

}  // namespace troupe::functions
