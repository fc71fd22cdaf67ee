#include "http/body_budget.hpp"

#include <algorithm>
#include <utility>

namespace troupe::http {

void body_budget::hold(body_holder& who, std::size_t bytes, bool answer, time_point now) noexcept {
  if (bytes == 0)
    return let_go(who);
  if (who.bytes_ == 0) {
    who.answer_ = answer;
    who.since_ = now;
    who.seen_taken_ = 0;
    who.older_ = youngest_;
    (youngest_ != nullptr ? youngest_->younger_ : oldest_) = &who;
    youngest_ = &who;
  }
  held_bytes_ += bytes - who.bytes_;
  who.bytes_ = bytes;
  recent_held_bytes_ = std::max(recent_held_bytes_, held_bytes_);
}

void body_budget::let_go(body_holder& who) noexcept {
  if (who.bytes_ == 0)
    return;
  held_bytes_ -= who.bytes_;
  who.bytes_ = 0;
  (who.older_ != nullptr ? who.older_->younger_ : oldest_) = who.younger_;
  (who.younger_ != nullptr ? who.younger_->older_ : youngest_) = who.older_;
  who.older_ = who.younger_ = nullptr;
}

bool body_budget::take_much_is_gone(time_point now) noexcept {
  if (now < recent_ends_)
    return false;
  const auto recent = std::exchange(recent_held_bytes_, held_bytes_);
  recent_ends_ = now + seconds{1};
  const auto most = std::max(most_held_bytes_, recent);
  const bool gone = most - recent >= std::max(much, most / 4);
  most_held_bytes_ = gone ? recent : most;
  return gone;
}

/// At a `times`th of the pace so far, the whole answer would take longer than `answer_time`. What the client has taken
/// is asked for only where what was seen of it before does not tell.
bool body_budget::slow(const body_holder& who, time_point now, duration grace, int times) const noexcept {
  const auto age = now - who.since_;
  if (!who.answer_ || age < grace)
    return false;
  const auto needed = static_cast<double>(age.count()) * static_cast<double>(who.bytes_) * times /
                      static_cast<double>(limits_.answer_time.count());
  if (static_cast<double>(who.seen_taken_) >= needed)
    return false;
  who.seen_taken_ = who.taken_bytes();
  return static_cast<double>(who.seen_taken_) < needed;
}

/// A request that is turned away has its answer, and nothing of it ran. An answer that is cut off cannot be mended, so
/// it is only when its client is the reason.
bool body_budget::gives_way_first(const body_holder& who, time_point now) const noexcept {
  return who.bytes_ >= worthwhile && (!who.answer_ || slow(who, now, pace_grace_at_bound, pace_at_bound));
}

bool body_budget::takes(std::size_t answer_bytes, time_point now) const noexcept {
  if (answer_bytes < worthwhile)
    return true;
  auto others = held_bytes_;
  for (auto* one = oldest_; one != nullptr && others + answer_bytes > limits_.max_bytes; one = one->younger_)
    if (gives_way_first(*one, now))
      others -= one->bytes_;
  return others == 0 || others + answer_bytes <= limits_.max_bytes;
}

}  // namespace troupe::http
