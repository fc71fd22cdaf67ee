#include "http/body_budget.hpp"

namespace troupe::http {

void body_budget::hold(body_holder& who, std::size_t bytes, bool answer, time_point now) noexcept {
  if (bytes == 0)
    return let_go(who);
  if (who.bytes_ == 0) {
    who.answer_ = answer;
    who.since_ = now;
    who.older_ = youngest_;
    (youngest_ != nullptr ? youngest_->younger_ : oldest_) = &who;
    youngest_ = &who;
  }
  held_bytes_ += bytes - who.bytes_;
  who.bytes_ = bytes;
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

/// At the pace so far, the whole answer would take longer than `answer_time`.
bool body_budget::slow(const body_holder& who, time_point now, duration grace) const noexcept {
  const auto age = now - who.since_;
  return who.answer_ && age >= grace &&
         static_cast<double>(age.count()) * static_cast<double>(who.bytes_) >
             static_cast<double>(limits_.answer_time.count()) * static_cast<double>(who.taken_bytes());
}

/// A request that is turned away has its answer, and nothing of it ran. An answer that is cut off cannot be mended, so
/// it is only when its client is the reason.
bool body_budget::gives_way_first(const body_holder& who, time_point now) const noexcept {
  return who.bytes_ >= worthwhile && (!who.answer_ || slow(who, now, pace_grace_at_bound));
}

template <class Condition>
body_holder* body_budget::oldest(Condition holds) const noexcept {
  auto* one = oldest_;
  while (one != nullptr && !holds(*one))
    one = one->younger_;
  return one;
}

bool body_budget::takes(std::size_t answer_bytes, time_point now) const noexcept {
  if (answer_bytes < worthwhile)
    return true;
  auto bytes = held_bytes_ + answer_bytes;
  for (auto* one = oldest_; one != nullptr && bytes > limits_.max_bytes; one = one->younger_)
    if (gives_way_first(*one, now))
      bytes -= one->bytes_;
  return bytes <= limits_.max_bytes;
}

body_holder* body_budget::excess(time_point now) const noexcept {
  if (!over()) {
    return held_bytes_ <= limits_.max_bytes / patient_part ? nullptr : oldest([this, now](const body_holder& one) {
      return one.bytes_ >= worthwhile && slow(one, now, pace_grace);
    });
  }
  if (auto* first = oldest([this, now](const body_holder& one) { return gives_way_first(one, now); }))
    return first;
  auto* large = oldest([](const body_holder& one) { return one.bytes_ >= worthwhile; });
  return large != nullptr ? large : oldest_;
}

}  // namespace troupe::http
