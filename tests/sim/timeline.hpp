// What happens when, in simulated time. Of two things at one instant the one that was planned first happens first.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Simulated time since the run began, or a length of it. Nodes have clocks of their own.
using instant = std::chrono::microseconds;

class timeline {
public:
  instant now() const noexcept { return now_; }

  void after(instant delay, std::function<void()> what) {
    planned_.push_back({now_ + delay, ++sequence_, std::move(what)});
    std::push_heap(planned_.begin(), planned_.end(), later);
  }

  void run_until(instant end) {
    while (!planned_.empty() && planned_.front().at <= end) {
      std::pop_heap(planned_.begin(), planned_.end(), later);
      auto next = std::move(planned_.back());
      planned_.pop_back();
      now_ = next.at;
      next.what();
    }
    now_ = end;
  }

  /// Goes on until `reached`, which is asked every 100 ms. @returns false when that takes longer than `limit`.
  template <class Reached>
  bool run_while_not(Reached reached, instant limit) {
    for (const auto end = now_ + limit; !reached(); run_until(now_ + std::chrono::milliseconds{100}))
      if (now_ >= end)
        return false;
    return true;
  }

private:
  struct event {
    instant at;
    std::uint64_t sequence;
    std::function<void()> what;
  };
  static bool later(const event& left, const event& right) {
    return std::pair{left.at, left.sequence} > std::pair{right.at, right.sequence};
  }

  instant now_{0};
  std::uint64_t sequence_ = 0;
  std::vector<event> planned_;
};

}  // namespace troupe::sim
