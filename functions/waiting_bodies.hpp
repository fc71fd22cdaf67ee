// The memory that bodies of calls take while these wait, in all queues of a node together. A queue bounds its own; this
// bounds their sum, however many functions wait.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace troupe::functions {

/// Any thread. Looking and taking are two steps: threads that do so at once may go above the bound by a body each.
class waiting_bodies : public std::enable_shared_from_this<waiting_bodies> {
public:
  /// What one call that waits takes of it; given back at its end.
  class part {
  public:
    part() = default;
    part(part&& from) noexcept : of_{std::move(from.of_)}, bytes_{std::exchange(from.bytes_, 0)} {}
    part& operator=(part&& from) noexcept {
      std::swap(of_, from.of_);
      std::swap(bytes_, from.bytes_);
      return *this;
    }
    ~part() {
      if (of_)
        of_->bytes_.fetch_sub(bytes_, std::memory_order_relaxed);
    }

  private:
    friend class waiting_bodies;
    part(std::shared_ptr<waiting_bodies> of, std::size_t bytes) noexcept : of_{std::move(of)}, bytes_{bytes} {}

    std::shared_ptr<waiting_bodies> of_;
    std::size_t bytes_ = 0;
  };

  explicit waiting_bodies(std::size_t max_bytes) noexcept : max_bytes_{max_bytes} {}

  /// Whether so many more bytes fit. Nothing always does, and so does a body while no other waits: it could never run
  /// otherwise.
  bool have_room(std::size_t more) const noexcept {
    const auto held = bytes();
    return more == 0 || held == 0 || held + more <= max_bytes_.load(std::memory_order_relaxed);
  }
  /// Whether or not they fit.
  part take(std::size_t bytes) noexcept {
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    return {shared_from_this(), bytes};
  }
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  void set_max(std::size_t bytes) noexcept { max_bytes_.store(bytes, std::memory_order_relaxed); }

private:
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::size_t> max_bytes_;
};

}  // namespace troupe::functions
