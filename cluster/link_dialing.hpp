// When a node dials another for a link, how long it waits for it, and when it takes the link for lost: pure decisions,
// no socket. What a broken link says about the peer is decided in suspicion.
#pragma once

#include <cstdint>
#include <optional>

#include "config/clock.hpp"

namespace troupe::cluster {

enum class link_phase : std::uint8_t { stopped, connecting, up, broken };

/// Why a link is broken.
enum class link_break : std::uint8_t {
  none,
  refused,   ///< nobody listens there
  silent,    ///< no connection or no hello in time, or nothing heard for too long
  closed,    ///< the peer closed it, or reset it
  rejected,  ///< one side did not want the other: hello refused, other version, other node
};

struct dial_limits {
  milliseconds connect_timeout{1000};  ///< to the peer's hello
  milliseconds silence_timeout{5000};  ///< nothing heard on an open link: broken
  milliseconds first_back_off{50};     ///< doubles up to the longest, with jitter
  milliseconds longest_back_off{2000};
};

/// The life of one link as its dialer sees it. Belongs to one loop.
class link_dialing {
public:
  explicit link_dialing(dial_limits limits) : limits_{limits} {}

  /// Begins. @returns whether to dial now: not when it has begun already.
  bool start(time_point now);
  void stop();
  /// There is reason to believe that the peer is back. @returns whether to dial now.
  bool poke(time_point now);
  /// The peer said hello, and is wanted.
  void opened();
  /// The try or the link came to an end. @param random  any 64 bits, for the jitter.
  void ended(link_break why, time_point now, std::uint64_t random);

  enum class step : std::uint8_t { none, dial, give_up };
  /// When `timed` is to be called; nothing while nothing is waited for.
  std::optional<time_point> wakes_at() const noexcept { return wakes_at_; }
  step timed(time_point now);

  /// Whether an open link on which nothing was heard for so long is to be taken for broken.
  bool is_lost(duration silence) const noexcept { return up() && silence > limits_.silence_timeout; }

  link_phase phase() const noexcept { return phase_; }
  bool up() const noexcept { return phase_ == link_phase::up; }

private:
  void dial(time_point now);

  dial_limits limits_;
  link_phase phase_ = link_phase::stopped;
  milliseconds back_off_{0};  ///< of the last failure; 0: there was none
  std::optional<time_point> wakes_at_;
};

}  // namespace troupe::cluster
