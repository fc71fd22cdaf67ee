// What a copy does with what it is sent: rows that wait for its disk, a whole store that arrives in pieces. From whom
// it takes them is decided in store_node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/history.hpp"
#include "cluster/store_action.hpp"
#include "cluster/store_message.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

class copy_sync {
public:
  /// Forgets what has arrived.
  void reset();

  /// Keeps rows until the disk is free.
  /// @returns false when there are more than a follower may be sent: subscribe anew.
  bool keep(rows_message rows);
  /// Stages what was kept, up to one write, leaving out what is there already.
  /// @returns `errc::conflict` or `errc::corrupt` as `history::stage`; what was kept is forgotten then.
  expected<void> stage(history& records);
  bool has_rows() const noexcept { return !rows_.empty(); }

  /// Takes the next piece of a load.
  /// @returns the piece to ask for next; nothing after the last one; `errc::corrupt` when a piece is missing or another
  /// than announced.
  expected<std::optional<std::uint64_t>> take(load_message piece);
  /// The whole store, once all pieces are here; null before.
  std::shared_ptr<const stored_store> loaded();

private:
  std::deque<history_row> rows_;
  std::size_t bytes_ = 0;
  std::shared_ptr<stored_store> loading_;
  std::uint64_t next_piece_ = 0;
  bool whole_ = false;
  cursor at_;
};

}  // namespace troupe::cluster
