// The decisions of the built-in engine: which commit is applied, which conflicts, what a repeated id is answered, what
// a follower gets. Pure: no disk, no clock, no thread. What it decides is staged; readers see it only once the caller
// says that the rows are durable.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/commit_request.hpp"
#include "cluster/history_row.hpp"
#include "cluster/primary_state.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// Belongs to one thread. Times are on the store's own clock: milliseconds that the store was in use since it was made,
/// never going back, so that a jump of the wall clock forgets no commit id.
class primary {
public:
  /// @returns `errc::corrupt` when `state` is not what a primary left behind (broken chain of hashes, holes, records
  /// newer than the history), naming the place.
  static expected<primary> make(primary_state state, primary_limits limits = {});

  /// Decides on top of what is staged and durable. `committed` and `conflicted` may be answered once what is staged is
  /// durable. `refused` carries too_big, bad_usage or full.
  commit_result decide(const commit_request& request, milliseconds now);
  /// Settles `id` as `committed` or `voided`, staging it as void when it is unknown; `refused` as above. To be answered
  /// once what is staged is durable.
  commit_result settle(const commit_id& id, milliseconds now);

  /// What the durable history says of `id`: committed or voided; nothing when it does not know it.
  std::optional<commit_result> known(const commit_id& id) const;

  bool has_staged() const noexcept { return !staged_rows_.empty(); }
  staged_changes staged() const;
  /// What is staged is durable: from now on readers and followers see it.
  void made_durable();
  /// What is staged did not become durable: it was never decided.
  void drop_staged();

  loaded load() const;
  /// The durable commits after `from`; `gap` when the log does not hold all of them. A caller at the tip gets an empty
  /// batch.
  follow_result follow(cursor from) const;
  /// At or above every commit that is durable.
  cursor barrier() const noexcept { return tip_; }
  /// The hash of the last durable row.
  const digest& hash() const noexcept { return hash_; }
  /// The time of the last row: where the store's clock goes on after a restart.
  milliseconds last_time() const noexcept { return time_; }

private:
  struct known_id {
    cursor at;
    row_kind kind = row_kind::commit;
    milliseconds time{0};
  };
  struct log_entry {
    cursor at;
    std::string body;
  };

  explicit primary(primary_limits limits) : limits_{limits} {}
  expected<void> take_heads(const primary_state& state);
  expected<void> take_bodies(primary_state& state);
  expected<void> take_records(primary_state& state);

  std::optional<refused> no_room() const;
  const known_id* find_id(const commit_id& id) const;
  const record* find_record(const std::string& key) const;
  bool holds(const guard& condition) const;
  conflicted standing_at(const std::vector<guard>& guards) const;
  void stage(applied commit, const commit_id& id, row_kind kind, milliseconds now);
  void forget_ids(milliseconds now);
  void remember(const row_head& head);
  cursor staged_tip() const noexcept;
  cursor bodies_from() const noexcept;
  cursor next_bodies_from() const;
  cursor next_heads_from(cursor kept_bodies) const;

  primary_limits limits_;
  std::map<std::string, record> records_;
  std::unordered_map<commit_id, known_id> ids_;
  std::deque<std::pair<cursor, commit_id>> ids_by_age_;
  std::deque<log_entry> log_;
  std::size_t log_bytes_ = 0;
  cursor tip_;
  digest hash_;
  milliseconds time_{0};

  std::vector<history_row> staged_rows_;
  std::map<std::string, std::optional<record>> staged_records_;  ///< nullopt: erased
  std::unordered_map<commit_id, known_id> staged_ids_;
};

}  // namespace troupe::cluster
