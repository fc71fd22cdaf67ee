// Bytes on their way into a socket that takes them bit by bit, while more are added behind them.
#pragma once

#include <cstddef>
#include <string_view>

#include "config/buffer.hpp"

namespace troupe {

/// What has left goes from the front: a backlog that never ends takes at most twice the memory of what is unsent, and
/// what a large one needed is given back when it has ended.
class outbox {
public:
  /// Where to append. Offsets into it hold until `sent` or `settle`.
  buffer& bytes() noexcept { return bytes_; }
  std::string_view unsent() const noexcept { return bytes_.view().substr(sent_); }

  /// The socket took the first `count` bytes of `unsent`.
  void sent(std::size_t count) noexcept {
    sent_ += count;
    settle();
  }
  /// After something was taken out at the end.
  void settle() noexcept {
    if (sent_ == bytes_.size()) {
      bytes_.clear();
      sent_ = 0;
      if (bytes_.capacity() > most_kept)
        bytes_.release();
    } else if (sent_ >= least_moved && sent_ >= bytes_.size() / 2) {
      // So many bytes have left since the last time that moving no more than these costs each of them a copy at most.
      bytes_.consume(sent_);
      sent_ = 0;
    }
  }

private:
  static constexpr std::size_t most_kept = 1 << 20;
  static constexpr std::size_t least_moved = 64 * 1024;

  buffer bytes_;
  std::size_t sent_ = 0;
};

}  // namespace troupe
