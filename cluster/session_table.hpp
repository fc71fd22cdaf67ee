// Which sessions the primary still believes in. Renewals are not written down: after a start, a move or a pause every
// session has its full time again, so nobody's is freed early. What ends with a session is in claims.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "cluster/history.hpp"
#include "cluster/store_record_codec.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

/// All times are CLOCK_BOOTTIME of the primary.
class session_table {
public:
  /// Takes in the sessions of a history: new ones get their full time, ended ones go.
  /// @returns those that went.
  std::vector<session_record> follow(const history& durable, milliseconds boot);
  /// Every session has its full time again.
  void refresh(milliseconds boot);
  /// @returns the time that was granted; nothing when the session is not open or about to be ended.
  std::optional<milliseconds> renew(const session_id& session, milliseconds boot);
  /// Sessions that were not renewed for their whole time. They can not be renewed from here on.
  std::vector<session_id> expire(milliseconds boot);
  /// What `expire` gave could not be ended yet: give it again.
  void retry();

  std::size_t size() const noexcept { return open_.size(); }

private:
  struct entry {
    session_record session;
    milliseconds free_at{0};
    enum class state : std::uint8_t { open, expired, ending } now = state::open;
  };
  std::map<session_id, entry> open_;
};

}  // namespace troupe::cluster
