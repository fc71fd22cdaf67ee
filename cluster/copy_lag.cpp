#include "cluster/copy_lag.hpp"

#include <algorithm>

namespace troupe::cluster {

namespace {

/// A commit reaches all copies at about the same time, and a node's word may have left it before.
constexpr milliseconds word_travels{1'000};
/// What comes in shorter intervals is one mark.
constexpr milliseconds resolution{100};
/// Words are younger than that, or their node counts as gone.
constexpr seconds memory{60};

}  // namespace

void copy_lag::note(std::uint64_t cursor, time_point now) {
  if (!marks_.empty() && cursor < marks_.back().cursor)
    marks_.clear();
  if (!marks_.empty() && cursor == marks_.back().cursor)
    return;
  // The time of the newest: an older word is not blamed for it.
  if (marks_.size() > 1 && now - marks_[marks_.size() - 2].since < resolution)
    marks_.pop_back();
  marks_.push_back({now, cursor});
  while (marks_.size() > 1 && now - marks_[1].since > memory)
    marks_.pop_front();
}

std::uint64_t copy_lag::of(std::uint64_t told, time_point heard_at) const noexcept {
  const auto newer = std::find_if(marks_.begin(), marks_.end(),
                                  [&](const mark& each) { return each.since + word_travels >= heard_at; });
  const auto expected = newer == marks_.begin() ? std::uint64_t{0} : std::prev(newer)->cursor;
  return std::max(expected, told) - told;
}

}  // namespace troupe::cluster
