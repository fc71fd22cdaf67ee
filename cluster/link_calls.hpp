// What one side of a link remembers of each unanswered call. For link_state only.
#pragma once

#include <cstdint>

#include "cluster/link_frame.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

/// Head and body of a call or an answer on their way out.
struct outgoing_body {
  buffer head;
  buffer body;
  std::size_t sent = 0;      ///< of the body
  std::uint64_t window = 0;  ///< bytes of the body that the receiver still takes
  bool begun = false;        ///< the first frame has left
  bool queued = false;       ///< waits for its turn
  std::size_t left() const noexcept { return body.size() - sent; }
};

/// The same on their way in.
struct incoming_body {
  buffer head;
  buffer body;
  std::uint64_t total = 0;
  std::uint64_t granted = 0;     ///< bytes that the sender may still send
  std::uint64_t uncredited = 0;  ///< received since the sender last got credit
  bool whole() const noexcept { return body.size() == total; }
};

struct own_link_call {
  std::uint64_t id = 0;  ///< 0: the place is free
  link_topic topic{};
  time_point deadline{};
  std::uint64_t end_offset = 0;  ///< of its last byte in the stream of all bytes; 0: it has not left whole
  bool abandoned = false;  ///< its user wants no word, or has had it; the place is taken until the peer settles it
  bool answering = false;
  outgoing_body out;
  incoming_body in;
};

enum class peer_call_phase : std::uint8_t { arriving, running, answering };

struct peer_link_call {
  std::uint64_t id = 0;  ///< 0: the place is free
  peer_call_phase phase{};
  link_topic topic{};
  time_point deadline{};
  incoming_body in;
  outgoing_body out;
};

}  // namespace troupe::cluster
