// The memory that bodies on their way take on one loop: of requests that have not come whole, of answers that their
// clients have not taken. Decides who gives way when it is too much: whoever has been at it longest, since a client
// that is not slow is soon done. Pure.
#pragma once

#include <cstddef>

namespace troupe::http {

/// Whoever keeps such a body.
class body_holder {
public:
  body_holder() = default;
  body_holder(const body_holder&) = delete;
  body_holder& operator=(const body_holder&) = delete;

private:
  friend class body_budget;
  std::size_t bytes_ = 0;  ///< 0: not in the list
  body_holder* older_ = nullptr;
  body_holder* younger_ = nullptr;
};

/// Belongs to one loop. Holders let go before they end.
class body_budget {
public:
  /// Who holds less gives way only when nobody holds as much: its end would free little.
  static constexpr std::size_t worthwhile = 64 * 1024;

  explicit body_budget(std::size_t max_bytes) noexcept : max_bytes_{max_bytes} {}

  /// `who` keeps so many bytes now; from the first time on it counts as being at it.
  void hold(body_holder& who, std::size_t bytes) noexcept;
  void let_go(body_holder& who) noexcept;
  void set_max(std::size_t max_bytes) noexcept { max_bytes_ = max_bytes; }

  std::size_t held_bytes() const noexcept { return held_bytes_; }
  bool over() const noexcept { return held_bytes_ > max_bytes_; }
  /// Who must give way now; null when nobody must.
  body_holder* excess() const noexcept;

private:
  std::size_t max_bytes_;
  std::size_t held_bytes_ = 0;
  body_holder* oldest_ = nullptr;
  body_holder* youngest_ = nullptr;
};

}  // namespace troupe::http
