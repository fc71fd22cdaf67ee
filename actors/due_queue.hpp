// Who is to run on a loop, in order.
#pragma once

#include <algorithm>
#include <caf/intrusive_ptr.hpp>
#include <caf/resumable.hpp>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace troupe::actors {

/// Grows when it is half full: where there is no memory for that, whoever was woken still runs. A wake-up that is lost
/// would never be made up for, since the mailbox counts as woken.
class due_queue {
public:
  using entry = caf::intrusive_ptr<caf::resumable>;

  bool empty() const noexcept { return count_ == 0; }
  void push(entry one) {
    if (count_ >= ring_.size() / 2)
      grow();
    ring_[(first_ + count_++) & (ring_.size() - 1)] = std::move(one);
  }
  /// Not on an empty one.
  entry pop() noexcept {
    auto one = std::move(ring_[first_]);
    first_ = (first_ + 1) & (ring_.size() - 1);
    --count_;
    return one;
  }

private:
  void grow() {
    try {
      std::vector<entry> grown(ring_.size() * 2);
      std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
      std::move(ring_.begin(), ring_.end(), grown.begin());
      ring_ = std::move(grown);
      first_ = 0;
    } catch (const std::bad_alloc&) {
      if (count_ == ring_.size())
        throw;
    }
  }

  std::vector<entry> ring_ = std::vector<entry>(64);  ///< a power of two
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace troupe::actors
