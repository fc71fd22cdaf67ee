#include "http/body_budget.hpp"

namespace troupe::http {

void body_budget::hold(body_holder& who, std::size_t bytes) noexcept {
  if (bytes == 0)
    return let_go(who);
  if (who.bytes_ == 0) {
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

body_holder* body_budget::excess() const noexcept {
  if (!over())
    return nullptr;
  auto* one = oldest_;
  while (one != nullptr && one->bytes_ < worthwhile)
    one = one->younger_;
  return one != nullptr ? one : oldest_;
}

}  // namespace troupe::http
