// The decisions of the built-in engine: which commit is applied, which conflicts, what a repeated id is answered. Pure:
// no disk, no clock, no thread. What it decides is staged in its history. Sessions and ownership are in claims.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/commit_request.hpp"
#include "cluster/history.hpp"

namespace troupe::cluster {

/// Belongs to one thread.
class primary : public history {
public:
  /// As `history::make`.
  /// @param generation  counter of the store's generation: part of every epoch.
  static expected<primary> make(primary_state state, primary_limits limits = {}, std::uint64_t generation = 1);

  /// Decides on top of what is staged and durable. `committed` and `conflicted` may be answered once what is staged is
  /// durable. `refused` carries too_big, bad_usage (also for records that only the store itself writes), full, or
  /// refused when a write is bound to a session that is not open.
  commit_result decide(const commit_request& request, milliseconds now);
  /// Settles `id` as `committed` or `voided`, staging it as void when it is unknown; `refused` as above. To be answered
  /// once what is staged is durable.
  commit_result settle(const commit_id& id, milliseconds now);

  // For the store's own rules (claims, sessions, moves):

  /// As `decide`, for any record and any number of writes.
  commit_result apply(const commit_request& request, milliseconds now);
  /// What stands now, staged changes included; null when nothing does. Valid until something is staged or durable.
  const record* standing(const std::string& key) const { return history::standing(key); }
  std::vector<const record*> all_standing(std::string_view prefix) const { return history::all_standing(prefix); }
  /// The writes that erase everything bound to `session`.
  std::vector<write> unbind(const session_id& session) const;
  /// What a commit of `id` was answered, staged ones included.
  std::optional<commit_result> first_answer(const commit_id& id, milliseconds now);
  std::uint64_t generation() const noexcept { return generation_; }
  /// An id for a commit of the store's own, never the same for two rows of a history.
  commit_id own_id() const;

private:
  primary(history base, std::uint64_t generation) : history{std::move(base)}, generation_{generation} {}

  std::optional<refused> no_room() const;
  bool holds(const guard& condition) const;
  conflicted standing_at(const std::vector<guard>& guards) const;
  void put(const write& change, applied& commit) const;

  std::uint64_t generation_;
};

/// Rises strictly over the whole history, deletions and restores included.
constexpr std::uint64_t epoch_of(std::uint64_t generation, std::uint64_t revision) {
  return (generation << 40) | revision;
}

/// Whether only the store itself writes the record.
bool is_own_record(std::string_view key);
/// `session/<id>`
std::string session_key(const session_id& session);
/// `owner/<resource>`
std::string owner_key(std::string_view resource);

}  // namespace troupe::cluster
