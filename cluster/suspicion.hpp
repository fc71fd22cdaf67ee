// Whether one peer is to be trusted with new work, judged from what the links of all loops to it went through. Quick
// and local; who is removed from the cluster is decided by the store. Pure: instants are handed in.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "config/clock.hpp"

namespace troupe::cluster {

enum class suspicion_reason : std::uint8_t {
  none,    ///< trusted
  gone,    ///< every link ended and a new dial was refused: nothing listens there any more
  silent,  ///< nothing was heard on any link for too long
};

/// `gone`, `silent`, `none`: for events and logs.
std::string_view to_string(suspicion_reason reason) noexcept;

enum class suspicion_change : std::uint8_t { none, suspected, healed };

struct suspicion_limits {
  milliseconds silence{1000};  ///< on all links
  milliseconds late_tick{
      300};  ///< between two ticks of a loop: more, and what it did not hear meanwhile proves nothing
};

/// What the loop of a link said at its last tick.
struct link_tick {
  time_point heard_at;   ///< when the last frame came on the link; anything before its last hello otherwise
  time_point ticked_at;  ///< the same instant as before tells nothing
};

/// One per peer, on one loop. Links are numbered from 0, one per loop that dials.
class suspicion {
public:
  suspicion(std::size_t links, suspicion_limits limits, time_point now);

  /// The peer said hello on this link.
  suspicion_change opened(std::size_t link, time_point now);
  /// The link ended, by whichever side.
  suspicion_change closed(std::size_t link, time_point now);
  /// Nobody listens at the peer's address.
  suspicion_change refused(std::size_t link, time_point now);
  /// What the loops of all links said at their last ticks, each 100 ms, also while a link is not open. Judged together:
  /// what one link has not heard says nothing when another one has.
  suspicion_change ticked(std::span<const link_tick> links);

  bool suspected() const noexcept { return reason_ != suspicion_reason::none; }
  suspicion_reason reason() const noexcept { return reason_; }
  bool open(std::size_t link) const noexcept { return links_[link].open; }
  /// How long nothing was heard on any link, as their loops saw it.
  duration silence() const noexcept;

private:
  struct link_record {
    bool open = false;
    bool refused = false;  ///< since any link was last open
    time_point heard_at;   ///< or when waiting for a word began
    time_point ticked_at;
    duration silence() const noexcept { return ticked_at > heard_at ? ticked_at - heard_at : duration{0}; }
  };
  enum class evidence : std::uint8_t { none, life };
  evidence take(link_record& record, const link_tick& tick) const;
  suspicion_change judge(evidence seen);

  suspicion_limits limits_;
  std::vector<link_record> links_;
  suspicion_reason reason_ = suspicion_reason::none;
};

}  // namespace troupe::cluster
