// A store's history at one node: records, the log behind them, commit ids and the chain of hashes. What is staged is
// seen only once the caller says that it is durable. Pure; what may be committed is decided elsewhere (primary).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/history_row.hpp"
#include "cluster/primary_state.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::cluster {

/// Belongs to one thread. Times are on the store's own clock: milliseconds that the store was in use since it was made,
/// never going back, so that a jump of the wall clock forgets no commit id.
class history {
public:
  /// @returns `errc::corrupt` when `state` is not what a history left behind (broken chain of hashes, holes, records
  /// newer than the history), naming the place.
  static expected<history> make(primary_state state, primary_limits limits = {});

  /// Stages a row of another node's history.
  /// @returns `errc::conflict` when it does not follow what is here (a hole, another hash), `errc::corrupt` when its
  /// body is not the one that it was written with; nothing is staged then.
  expected<void> stage(history_row row);

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
  /// The hash of a durable row; nothing when it is not kept any more. All zero at cursor 0.
  std::optional<digest> hash_at(cursor at) const;
  /// The time of the last row: where the store's clock goes on after a restart.
  milliseconds last_time() const noexcept { return time_; }
  /// The durable rows after `from`, up to `max_bytes` of bodies but one at least; nothing when the log does not hold
  /// them all. Empty at the tip.
  std::optional<std::vector<history_row>> rows_after(cursor from, std::size_t max_bytes) const;
  /// What a copy needs to go on from here.
  primary_state whole() const;
  /// A durable record, or null.
  const record* find(const std::string& key) const;
  /// Durable records whose keys begin with `prefix`, by key.
  std::vector<const record*> find_all(std::string_view prefix) const;
  /// SHA-256 over all durable records, for comparing copies.
  digest records_digest() const;

  /// What the durable history says of `id`: committed or voided; nothing when it does not know it.
  std::optional<commit_result> known(const commit_id& id) const;

protected:
  struct known_id {
    cursor at;
    row_kind kind = row_kind::commit;
    milliseconds time{0};
  };

  explicit history(primary_limits limits) : limits_{limits} {}
  void stage(applied commit, const commit_id& id, row_kind kind, milliseconds now);
  const known_id* find_id(const commit_id& id) const;
  std::size_t id_count() const noexcept { return ids_.size() + staged_ids_.size(); }
  /// As things stand with what is staged.
  const record* standing(const std::string& key) const;
  std::vector<const record*> all_standing(std::string_view prefix) const;
  void forget_ids(milliseconds now);
  cursor staged_tip() const noexcept;
  const digest& staged_hash() const noexcept;
  const primary_limits& limits() const noexcept { return limits_; }

private:
  struct log_entry {
    cursor at;
    std::string body;
  };

  expected<void> take_heads(const primary_state& state);
  expected<void> take_bodies(primary_state& state);
  expected<void> take_records(primary_state& state);
  void stage_row(history_row row, applied commit);
  void remember(const row_head& head);
  cursor bodies_from() const noexcept;
  cursor next_bodies_from() const;
  cursor next_heads_from(cursor kept_bodies) const;

  primary_limits limits_;
  std::map<std::string, record> records_;
  std::unordered_map<commit_id, known_id> ids_;
  std::deque<std::pair<cursor, commit_id>> ids_by_age_;
  std::deque<row_head> heads_;
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
