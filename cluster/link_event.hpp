// What one side of a link allows, and what it tells whoever uses it.
#pragma once

#include <cstdint>
#include <string>

#include "cluster/link_frame.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

struct link_limits {
  std::size_t max_calls = 4096;                  ///< unanswered at a time and direction, 1 to 4096
  std::size_t max_body_bytes = 70'000'000;       ///< of a call and of an answer
  std::size_t max_arriving_bytes = 256'000'000;  ///< bodies of calls that are not whole yet, as announced, together
  std::size_t max_waiting_bytes = 256'000'000;   ///< bodies of own calls that have not left yet, together
  std::uint64_t call_credit = 256 * 1024;        ///< bytes of one body that may be on their way; equal at both ends
  std::uint64_t link_credit = 4 * 1024 * 1024;   ///< of all bodies in one direction; equal at both ends
  milliseconds ping_interval{250};
  milliseconds longest_silence{1000};  ///< after which new calls should take another way
};

enum class link_event_kind : std::uint8_t {
  opened,     ///< the peer's hello is there (`peer()`); calls may be made
  called,     ///< the peer calls: topic, head, body, deadline. Exactly one of `answer`, `refuse`, `fail` settles it
  abandoned,  ///< nobody waits for the answer of a `called` any more, or the link ended; what settles it is dropped
  answered,   ///< own call: head, body
  not_run,    ///< own call: it certainly did not run; code, text
  lost,       ///< own call: it may have run, and no answer will come; code, text
  draining,   ///< the peer takes no new calls
  closed,     ///< the link ended; code and text say why. The last event: close the socket
};

/// Of an own call exactly one of `answered`, `not_run`, `lost` comes, and none after `cancel`.
struct link_event {
  link_event_kind kind = link_event_kind::closed;
  std::uint64_t call = 0;
  link_topic topic = link_topic::invoke;
  errc code = errc::bug;
  time_point deadline{};
  buffer head;
  buffer body;
  std::string text;
};

/// The place of a call in a table with `link_limits::max_calls` entries; no two unanswered calls of one side share one.
constexpr std::size_t link_call_place(std::uint64_t call) noexcept {
  return call >> 1 & 0xfff;
}

}  // namespace troupe::cluster
