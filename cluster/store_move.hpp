// `troupe store move --to`: the old primary's side, until its last row is durable. What is in that row survives a
// restart; everything before it may be forgotten, and the primary goes on. The new primary's side is store_node's: it
// leads as soon as the row is on its disk.
#pragma once

#include <optional>
#include <string>

#include "cluster/catalog_store.hpp"
#include "cluster/node_record.hpp"
#include "cluster/primary.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

class store_move {
public:
  /// From now on commits, renewals, claims, outcomes and barriers are closed.
  /// @param wait  until the last row is written; later it is over.
  store_move(node_id to, commit_id id, time_point now, milliseconds wait) : to_{to}, id_{id}, late_at_{now + wait} {}

  /// Whether the other node is level with everything that is durable here: same cursor and hash, said less than 1 s
  /// ago.
  static bool level(const history& records, cursor at, const digest& hash, time_point said_at, time_point now);

  /// Stages the last row. Nothing may be staged after it.
  commit_result write_last_row(primary& store, milliseconds now);
  bool written() const noexcept { return written_; }
  /// Time to go on as the primary: the last row was not reached.
  bool late(time_point now) const noexcept { return !written_ && now >= late_at_; }
  /// The last row certainly is on no disk: it is over.
  void not_written() noexcept { written_ = false; }

  const node_id& to() const noexcept { return to_; }

private:
  node_id to_;
  commit_id id_;
  time_point late_at_;
  bool written_ = false;
};

/// The node that a history names as its primary; nil when it names none.
node_id primary_of(const history& records);

}  // namespace troupe::cluster
