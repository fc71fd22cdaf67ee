// The memory that bodies on their way take on one loop: of requests that have not come whole, of answers that their
// clients have not taken. Decides who gives way when it is too much, and which answer is not begun then. Pure.
#pragma once

#include <concepts>
#include <cstddef>

#include "config/clock.hpp"

namespace troupe::http {

/// Whoever keeps such a body.
class body_holder {
public:
  body_holder() = default;
  body_holder(const body_holder&) = delete;
  body_holder& operator=(const body_holder&) = delete;
  virtual ~body_holder() = default;

  /// Bytes that the client has taken since it holds an answer; what the kernel keeps for it is not taken. Asked only
  /// while it holds one.
  virtual std::size_t taken_bytes() const noexcept = 0;

private:
  friend class body_budget;
  std::size_t bytes_ = 0;  ///< 0: not in the list
  bool answer_ = false;
  time_point since_{};
  mutable std::size_t seen_taken_ = 0;  ///< it has taken that much at least
  body_holder* older_ = nullptr;
  body_holder* younger_ = nullptr;
};

struct body_limits {
  std::size_t max_bytes = ~std::size_t{0};
  duration answer_time{};  ///< whose answer would take longer than this at the pace so far is slow
};

/// Belongs to one loop. Holders let go before they end.
class body_budget {
public:
  /// Who holds less gives way only when nobody holds as much: its end would free little. Smaller answers always go.
  static constexpr std::size_t worthwhile = 64 * 1024;
  /// Up to this part of the bound a slow client is nobody's trouble and may take its time. The rest is for clients that
  /// are not slow, whose answers come and go: three times as much as slow ones can keep.
  static constexpr std::size_t patient_part = 4;
  /// A pace says nothing before: connections begin slowly.
  static constexpr seconds pace_grace{5};
  /// Less than this, or than a quarter of the most, is not worth the milliseconds of giving memory back to the system.
  static constexpr std::size_t much = std::size_t{12} << 20;
  /// At the bound there is no time for more than the first round trips of a long way, and who only just keeps pace
  /// keeps others from being answered at all: it must be so many times as fast.
  static constexpr seconds pace_grace_at_bound{1};
  static constexpr int pace_at_bound = 8;

  explicit body_budget(body_limits limits) noexcept : limits_{limits} {}

  /// `who` keeps so many bytes of a request now; from the first time on it counts as being at it.
  void hold_request(body_holder& who, std::size_t bytes, time_point now) noexcept { hold(who, bytes, false, now); }
  /// `who` keeps an answer of so many bytes, all of them until the client has the last.
  void hold_answer(body_holder& who, std::size_t bytes, time_point now) noexcept { hold(who, bytes, true, now); }
  void let_go(body_holder& who) noexcept;
  void set_limits(body_limits limits) noexcept { limits_ = limits; }

  std::size_t held_bytes() const noexcept { return held_bytes_; }
  /// To be asked now and then: whether much less was held all through the last second than before, so that memory which
  /// the allocator still keeps for it is worth giving back. Said once. Bodies that come and go all the time are no
  /// reason.
  bool take_much_is_gone(time_point now) noexcept;
  bool over() const noexcept { return held_bytes_ > limits_.max_bytes; }
  /// Whether an answer of so many bytes may begin: it fits, or will as soon as those are gone who give way first.
  /// Whoever is alone is served.
  bool takes(std::size_t answer_bytes, time_point now) const noexcept;
  /// Calls `turn_away` with each who must give way now, which lets go then. Above the bound those who have been at it
  /// longest of requests and slow answers, else of all; above its patient part, of slow answers.
  template <std::invocable<body_holder&> TurnAway>
  void turn_slow_away(time_point now, TurnAway turn_away) {
    const auto is_large = [](const body_holder& one) { return one.bytes_ >= worthwhile; };
    const auto crowded = [this] { return over() && oldest_ != youngest_; };
    from_oldest(
        crowded, [&](const body_holder& one) { return gives_way_first(one, now); }, turn_away);
    from_oldest(crowded, is_large, turn_away);
    from_oldest(
        crowded, [](const body_holder&) { return true; }, turn_away);
    from_oldest([this] { return held_bytes_ > limits_.max_bytes / patient_part; },
                [&](const body_holder& one) { return is_large(one) && slow(one, now, pace_grace, 1); }, turn_away);
  }

private:
  void hold(body_holder& who, std::size_t bytes, bool answer, time_point now) noexcept;
  bool slow(const body_holder& who, time_point now, duration grace, int times) const noexcept;
  bool gives_way_first(const body_holder& who, time_point now) const noexcept;

  /// One walk, however many are turned away: who is not slow now is not asked again for each of them.
  template <class Needed, class Condition, class TurnAway>
  void from_oldest(Needed needed, Condition holds, TurnAway& turn_away) {
    for (auto* one = oldest_; one != nullptr && needed();) {
      auto* next = one->younger_;
      if (holds(*one))
        turn_away(*one);
      one = next;
    }
  }

  body_limits limits_;
  std::size_t held_bytes_ = 0;
  std::size_t most_held_bytes_ = 0;    ///< at any time since much was last gone, but for this second
  std::size_t recent_held_bytes_ = 0;  ///< the most of this second
  time_point recent_ends_{};
  body_holder* oldest_ = nullptr;
  body_holder* youngest_ = nullptr;
};

}  // namespace troupe::http
