// How far the copy of another node is behind, when all that is known of it is what it told last.
#pragma once

#include <cstdint>
#include <deque>

#include "config/clock.hpp"

namespace troupe::cluster {

/// When this node's own copy got its commits, over the last while. Belongs to one loop.
class copy_lag {
public:
  /// The own copy is at `cursor` now. Goes back when a history is replaced: then nothing of before counts.
  void note(std::uint64_t cursor, time_point now);
  /// @param told      the cursor that the other node told,
  /// @param heard_at  and when that was heard.
  /// @returns commits that its copy lacks. One that came here after its last word counts for nothing: it is most likely
  /// there as well.
  std::uint64_t of(std::uint64_t told, time_point heard_at) const noexcept;

private:
  struct mark {
    time_point since;
    std::uint64_t cursor = 0;
  };
  std::deque<mark> marks_;  ///< the oldest first
};

}  // namespace troupe::cluster
