// One side of one link, after the bytes have arrived and before they leave: which calls are on their way in either
// direction, what may be sent next, what has become of whom. `(state, event, now) -> bytes and events`; no socket, no
// clock. Belongs to one loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/link_calls.hpp"
#include "cluster/link_event.hpp"
#include "cluster/link_frame.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

class link_state {
public:
  /// The side that dialed: says its hello and waits for the other.
  link_state(link_hello own, link_limits limits, time_point now);
  /// The side that accepted `peer`'s hello: answers with its own and is open.
  link_state(link_hello own, link_hello peer, link_limits limits, time_point now);

  // -- what happens at the socket
  /// `bytes` came in.
  void on_bytes(std::string_view bytes, time_point now);
  /// The kernel has taken `count` more of the bytes that `pull` gave.
  void on_written(std::size_t count) noexcept { written_ += count; }
  /// The socket is gone: ends every call. `why` goes into the events.
  void on_closed(std::string_view why);
  /// At least each 100 ms: pings, and own calls whose deadline has passed.
  void on_tick(time_point now);
  /// This loop slept: calls that came or come before the next completed ping exchange did not run.
  void on_slept(time_point now);

  // -- what the user wants
  /// Sends a call. @returns its id, or why it did not run: `link_down`, `draining`, `overloaded`, `budget_spent`,
  /// `payload_too_large`. Then head and body are gone, and no event comes.
  expected<std::uint64_t> call(link_topic topic, buffer head, buffer body, time_point deadline, time_point now);
  /// Gives an own call up; no event comes for it any more.
  void cancel(std::uint64_t call);
  /// Settles a call of the peer. A call that was abandoned or settled before is passed over.
  void answer(std::uint64_t call, buffer head, buffer body);
  void refuse(std::uint64_t call, errc code, std::string_view detail);  ///< it did not run
  void fail(std::uint64_t call, errc code, std::string_view detail);    ///< it may have run
  /// Takes no new calls of the peer from now on.
  void drain();

  // -- what leaves
  bool has_output() const noexcept;
  /// Appends what is to be sent next until `out` has about `up_to` bytes (at most one frame more).
  void pull(buffer& out, std::size_t up_to, time_point now);
  /// What happened since the last look, in order. The caller empties it.
  std::vector<link_event>& events() noexcept { return events_; }

  bool open() const noexcept { return phase_ == phase::open; }
  /// Open, not silent for too long, and the peer takes new calls.
  bool takes_calls(time_point now) const noexcept {
    return open() && !peer_drains_ && silence(now) < limits_.longest_silence;
  }
  bool stale() const noexcept { return stale_ping_ != 0; }
  const link_hello& peer() const noexcept { return peer_; }
  /// Whether this own call is neither ended nor given up.
  bool owns(std::uint64_t call) const noexcept;
  /// Whether this call of the peer waits for what settles it.
  bool serves(std::uint64_t call) const noexcept;
  std::size_t own_calls() const noexcept { return own_calls_; }    ///< unanswered
  std::size_t peer_calls() const noexcept { return peer_calls_; }  ///< unsettled
  time_point last_heard() const noexcept { return last_heard_; }
  /// How long nothing came although this loop would have read it.
  duration silence(time_point now) const noexcept { return now - std::max(last_heard_, awake_since_); }
  /// Of the last completed ping; zero before the first.
  duration round_trip() const noexcept { return round_trip_; }

private:
  enum class phase : std::uint8_t { opening, open, closed };

  // link_state.cpp
  void on_frame(const link_frame& frame, time_point now);
  void on_hello(const link_frame& frame);
  void on_pong(const link_frame& frame, time_point now);
  void ping(time_point now);
  void break_off(errc code, std::string text);
  void violated(std::string text) { break_off(errc::protocol, std::move(text)); }
  void end_calls(const std::string& why);
  link_event& tell(link_event_kind kind, std::uint64_t call = 0);
  link_event& tell(link_event_kind kind, std::uint64_t call, errc code, std::string_view text);

  // link_own_calls.cpp
  void on_answer(const link_frame& frame);
  void on_settled(const link_frame& frame);
  void on_answer_data(const link_frame& frame);
  void finish_answer(own_link_call& call);
  void expire_own_calls(time_point now);
  void abandon_own(own_link_call& call);
  void end_own(own_link_call& call, link_event_kind kind, errc code, std::string_view text);
  void free_own(own_link_call& call);
  own_link_call* find_own(std::uint64_t id) noexcept;

  // link_peer_calls.cpp
  void on_call(const link_frame& frame, time_point now);
  std::optional<errc> reason_to_refuse(const link_frame& frame) const;
  void on_call_data(const link_frame& frame);
  void on_cancel(const link_frame& frame);
  void finish_call(peer_link_call& call);
  void drop_peer(peer_link_call& call, errc code, std::string_view detail);
  void free_peer(peer_link_call& call);
  peer_link_call* find_peer(std::uint64_t id) noexcept;
  peer_link_call* find_running(std::uint64_t id) noexcept;

  // link_flow.cpp
  bool is_own(std::uint64_t id) const noexcept { return (id & 1) == side_; }
  void enqueue(std::uint64_t id, outgoing_body& stream);
  outgoing_body* outgoing(std::uint64_t id) noexcept;
  void send_one(std::uint64_t id, buffer& out, time_point now);
  bool send_first(std::uint64_t id, outgoing_body& stream, std::string_view piece, buffer& out, time_point now);
  void on_sent_all(std::uint64_t id);
  void on_credit(const link_frame& frame);
  bool receive(incoming_body& in, std::uint64_t id, const link_frame& frame);
  bool count_received(std::size_t bytes);

  link_limits limits_;
  std::uint64_t side_;  ///< lowest bit of the ids of own calls: 1 for who dialed
  phase phase_;
  link_hello own_hello_;
  link_hello peer_;
  link_frame_reader reader_;
  std::vector<link_event> events_;

  std::vector<own_link_call> own_;
  std::vector<std::uint32_t> free_places_;
  std::vector<peer_link_call> peers_;
  std::size_t own_calls_ = 0;
  std::size_t peer_calls_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::size_t waiting_bytes_ = 0;   ///< of own calls' bodies, not pulled yet
  std::size_t arriving_bytes_ = 0;  ///< announced for peer calls that are not whole
  bool drains_ = false;
  bool peer_drains_ = false;

  buffer urgent_;  ///< frames that overtake bodies
  std::deque<std::uint64_t> ready_;
  std::deque<std::uint64_t> starved_;  ///< wait for credit of the link
  std::uint64_t link_window_;
  std::uint64_t link_granted_;
  std::uint64_t link_uncredited_ = 0;
  std::uint64_t pulled_ = 0;
  std::uint64_t written_ = 0;

  std::uint64_t ping_number_ = 0;
  std::uint64_t pong_number_ = 0;
  std::uint64_t stale_ping_ = 0;  ///< the ping whose answer ends staleness; 0: not stale
  time_point ping_at_{};
  time_point last_heard_;
  time_point last_said_;
  time_point awake_since_;  ///< when the last sleep ended
  duration round_trip_{};
};

}  // namespace troupe::cluster
