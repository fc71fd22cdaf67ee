// The end of the channel that a worker of native functions holds: reads from one thread, writes from many. What frames
// mean is functions/native_host's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "config/buffer.hpp"
#include "functions/frame.hpp"

namespace troupe::functions {

/// Ends the process, at once and with status 0, when the node has gone: nobody waits for anything any more.
class native_channel {
public:
  /// @param max_payload_bytes  of a frame from the node.
  native_channel(int descriptor, std::size_t max_payload_bytes) noexcept
      : descriptor_{descriptor}, reader_{max_payload_bytes} {}

  enum class patience : std::uint8_t { look_only, wait };
  /// Receives what is there, or waits for something. Ends the views of earlier frames.
  /// @returns whether there may be more.
  bool receive(patience how);
  /// @returns as `frame_reader::next`.
  expected<std::optional<frame>> next() { return reader_.next(); }

  /// Adds frames to what `flush` sends; `append` gets the buffer. From any thread.
  template <class Append>
  void add(Append&& append) {
    const std::scoped_lock lock{mutex_};
    std::forward<Append>(append)(gathered_);
  }
  /// Sends all that was added, and waits for the node where it must. From any thread.
  void flush();
  /// Adds one line and sends what goes at once. Never waits: beyond a backlog of 1 MB lines are dropped and counted.
  void log(std::uint64_t call_id, std::string_view invocation_id, std::string_view line);

private:
  void send(patience how);

  int descriptor_;
  frame_reader reader_;
  std::mutex mutex_;  // of the next two
  buffer gathered_;
  std::uint64_t dropped_ = 0;
  std::mutex send_mutex_;  // of the rest; taken before `mutex_`
  buffer leaving_;
  std::size_t sent_ = 0;
};

}  // namespace troupe::functions
