// Bytes on their way into a socket that takes them bit by bit, while more are added behind them.
#pragma once

#include <cstddef>
#include <string_view>

#include "config/buffer.hpp"

namespace troupe {

/// A backlog that never ends takes bounded memory, and what a large one needed is given back when it has ended.
class outbox {
public:
  /// Where to append. Offsets into it hold until `make_room`, `sent` or `settle`.
  buffer& bytes() noexcept { return bytes_; }
  std::string_view unsent() const noexcept { return bytes_.view().substr(sent_); }

  /// Before something is appended: what has left goes from the front once it is as much as what has not. Moving that
  /// costs each byte that left a copy at most, and what nothing is appended to is not moved at all.
  void make_room() noexcept {
    if (sent_ < least_moved || sent_ < bytes_.size() - sent_)
      return;
    bytes_.consume(sent_);
    sent_ = 0;
  }
  /// The socket took the first `count` bytes of `unsent`.
  void sent(std::size_t count) noexcept {
    sent_ += count;
    settle();
  }
  /// After something was taken out at the end.
  void settle() noexcept {
    if (sent_ != bytes_.size())
      return;
    bytes_.clear();
    sent_ = 0;
    if (bytes_.capacity() > most_kept)
      bytes_.release();
  }

private:
  static constexpr std::size_t most_kept = 1 << 20;
  static constexpr std::size_t least_moved = 64 * 1024;

  buffer bytes_;
  std::size_t sent_ = 0;
};

}  // namespace troupe
