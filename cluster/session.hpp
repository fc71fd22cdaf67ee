// A node's own session with the store: when to open and renew it, and until when it may be relied on. Never a proof
// that others have stopped. Who grants sessions is in session_table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "cluster/store_call.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

struct session_options {
  node_id node;
  uuid incarnation;
  std::string address;
  milliseconds ttl{10'000};
};

/// Why the process at `own` must end: the one at `holder` has its node id. One line for people.
std::string same_id_sentence(const std::string& holder, const std::string& own);

/// All times are CLOCK_BOOTTIME of this node. One call is outstanding at most.
class session {
public:
  enum class state : std::uint8_t {
    closed,  ///< none yet, or lost: one is being opened
    open,
    superseded,  ///< another incarnation ended it: the process must exit 1 and never opens one again
    rejected,    ///< an older incarnation still answers: the process must exit 2
  };

  explicit session(session_options options) : options_{std::move(options)} {}

  /// What to send now, if anything: `open_session_call` or `renew_call`, with at most `try_time()` to answer.
  /// @param fresh  the id of a session that is opened now.
  std::optional<store_call> due(milliseconds boot, session_id fresh);
  /// The answer to what `due` gave, or `refused` when its time was over.
  void answered(const store_answer& answer, milliseconds boot);
  /// The history was replaced: what was granted is void.
  void history_replaced();

  state now() const noexcept { return state_; }
  /// Of the open session; nil otherwise.
  session_id id() const noexcept;
  /// Whether a visible act may rely on it.
  bool valid(milliseconds boot) const noexcept { return state_ == state::open && boot < valid_until_; }
  milliseconds valid_until() const noexcept { return valid_until_; }
  milliseconds try_time() const noexcept;
  /// How often a session was lost after it had been open.
  std::uint64_t times_lost() const noexcept { return times_lost_; }

private:
  void lose();

  session_options options_;
  state state_ = state::closed;
  session_id id_{};
  milliseconds granted_{0};
  milliseconds valid_until_{0};
  milliseconds sent_at_{0};
  milliseconds next_at_{0};
  milliseconds asked_since_{0};  ///< with the present id
  bool outstanding_ = false;
  bool stale_ = false;  ///< what is outstanding was asked of a history that is gone
  std::uint64_t times_lost_ = 0;
};

}  // namespace troupe::cluster
