// The memory that bodies on their way take on one loop: of requests that have not come whole, of answers that their
// clients have not taken. Decides who gives way when it is too much, and which answer is not begun then. Pure.
#pragma once

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
  /// At the bound there is no time for more than the first round trips of a long way.
  static constexpr seconds pace_grace_at_bound{1};

  explicit body_budget(body_limits limits) noexcept : limits_{limits} {}

  /// `who` keeps so many bytes of a request now; from the first time on it counts as being at it.
  void hold_request(body_holder& who, std::size_t bytes, time_point now) noexcept { hold(who, bytes, false, now); }
  /// `who` keeps an answer of so many bytes, all of them until the client has the last.
  void hold_answer(body_holder& who, std::size_t bytes, time_point now) noexcept { hold(who, bytes, true, now); }
  void let_go(body_holder& who) noexcept;
  void set_limits(body_limits limits) noexcept { limits_ = limits; }

  std::size_t held_bytes() const noexcept { return held_bytes_; }
  bool over() const noexcept { return held_bytes_ > limits_.max_bytes; }
  /// Whether an answer of so many bytes may begin: it fits, or will as soon as those are gone who give way first.
  bool takes(std::size_t answer_bytes, time_point now) const noexcept;
  /// Who must give way now; null when nobody must. Above the bound whoever has been at it longest of requests and slow
  /// answers, else of all; above its patient part, of slow answers.
  body_holder* excess(time_point now) const noexcept;

private:
  void hold(body_holder& who, std::size_t bytes, bool answer, time_point now) noexcept;
  bool slow(const body_holder& who, time_point now, duration grace) const noexcept;
  bool gives_way_first(const body_holder& who, time_point now) const noexcept;
  template <class Condition>
  body_holder* oldest(Condition holds) const noexcept;

  body_limits limits_;
  std::size_t held_bytes_ = 0;
  body_holder* oldest_ = nullptr;
  body_holder* youngest_ = nullptr;
};

}  // namespace troupe::http
