#include "cluster/session.hpp"

#include <algorithm>
#include <utility>

namespace troupe::cluster {

namespace {

constexpr milliseconds longest_try{1'000};
constexpr milliseconds between_tries{100};

}  // namespace

std::string same_id_sentence(const std::string& holder, const std::string& own) {
  return "the process at " + holder + " has the node id of this one, at " + own +
         ": a data directory belongs to one process, a copy of it to none";
}

session_id session::id() const noexcept {
  return state_ == state::open ? id_ : session_id{};
}

milliseconds session::try_time() const noexcept {
  return std::min(longest_try, options_.ttl / 6);
}

std::optional<store_call> session::due(milliseconds boot, session_id fresh) {
  if (state_ == state::superseded || state_ == state::rejected || outstanding_ || boot < next_at_)
    return std::nullopt;
  outstanding_ = true;
  sent_at_ = boot;
  if (state_ == state::open)
    return renew_call{id_, options_.node, options_.incarnation};
  // The id stays until it is answered: an open whose answer was lost is asked for again, not opened twice.
  // Not for ever: the store forgets ids, and would open a session a second time that ended long ago.
  if (id_ == session_id{} || boot - asked_since_ > 2 * options_.ttl) {
    id_ = fresh;
    asked_since_ = boot;
  }
  return open_session_call{id_, options_.node, options_.incarnation, options_.address, options_.ttl};
}

void session::answered(const store_answer& answer, milliseconds boot) {
  if (!std::exchange(outstanding_, false) || std::exchange(stale_, false))
    return;
  next_at_ = boot + between_tries;
  if (const auto* good = std::get_if<session_granted>(&answer)) {
    state_ = state::open;
    granted_ = good->ttl;
    // Counted from before the sending: the store counts from later, so it never frees earlier than this node stops.
    valid_until_ = sent_at_ + granted_ - granted_ / 5;
    next_at_ = std::max(sent_at_ + granted_ / 6, next_at_);
  } else if (const auto* ended = std::get_if<no_session>(&answer)) {
    lose();
    if (ended->why == session_end::superseded)
      state_ = state::superseded;
  } else if (std::holds_alternative<incarnation_alive>(answer)) {
    lose();
    state_ = state::rejected;
  }
}

void session::history_replaced() {
  if (state_ != state::open && state_ != state::closed)
    return;
  lose();
  stale_ = outstanding_;
}

void session::lose() {
  if (state_ == state::open)
    ++times_lost_;
  state_ = state::closed;
  id_ = {};
  valid_until_ = milliseconds{0};
}

}  // namespace troupe::cluster
