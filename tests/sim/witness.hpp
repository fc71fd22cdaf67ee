// Sees every row that reaches a disk and every answer that a client gets, anywhere, and ends the run when one of them
// breaks a promise of specs' store. Knows nothing of links, clocks or messages.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/history.hpp"
#include "cluster/store_call.hpp"
#include "cluster/store_restore.hpp"
#include "history_model.hpp"
#include "timeline.hpp"

namespace troupe::sim {

/// One commit of a client, however often it is tried.
struct commit_try {
  cluster::commit_request request;
  instant first_at{0};
  std::uint64_t backups_restored = 0;                                       ///< at the first try
  std::vector<std::pair<const history_model*, std::uint64_t>> seen_before;  ///< acknowledged before the first try
  int open = 0;                                                             ///< tries without an answer
  bool may_be_applied = false;  ///< a try was answered "unknown", or its caller died
  bool applied = false;
  bool voided = false;
  bool settling = false;  ///< somebody asked to settle it
};

class witness {
public:
  /// What was acknowledged when; whatever is read later must show it.
  using moment = std::vector<std::pair<const history_model*, std::uint64_t>>;

  std::function<void(const cluster::session_id&)> session_gone;  ///< a row that ends one is on the primary's disk

  /// @returns the history; made when it is not known. Null for a nil identity.
  history_model* find(const cluster::store_identity& identity);
  void founded(const cluster::store_identity& identity);
  /// A new history was made out of a copy, its first own row included.
  void restored(const cluster::stored_store& made);
  /// One was made of a backup.
  void restored(const cluster::stored_store& made, const cluster::backed_up_store& from);
  /// How often that was done: whose commit is older than the last time knows that its id may be forgotten.
  std::uint64_t backups_restored() const noexcept { return backups_restored_; }

  /// `node` is about to write rows that it decided itself.
  void decides(const cluster::node_id& node, const cluster::store_identity& identity, std::uint64_t first);
  /// Rows are on some node's disk.
  void durable(const cluster::store_identity& identity, const std::vector<cluster::history_row>& rows);
  /// A whole store is on some node's disk, in place of `before`.
  void durable(const cluster::stored_store& whole, const cluster::store_identity& before);
  /// What a starting node finds on its disk: nothing that it acknowledged is missing.
  void found(const cluster::node_id& node, const cluster::store_identity& identity, std::uint64_t tip,
             const std::map<std::string, cluster::record>& records) const;
  /// What a node holds is what its history says.
  void compare(const history_model& history, const cluster::history& records) const;
  /// The same for one key. @returns the record.
  const cluster::record* read(const history_model& history, const cluster::history& records,
                              const std::string& key) const;

  std::shared_ptr<commit_try> begin(cluster::commit_request request, instant now);
  /// The answer to a try, as a primary in `history` gave it; null: nobody was reached.
  void answered(const std::shared_ptr<commit_try>& tried, const cluster::store_answer& answer,
                const history_model* history);
  void outcome(const std::shared_ptr<commit_try>& tried, const cluster::outcome_of_commit& answer,
               const history_model* history);

  moment acknowledged() const { return moment{acknowledged_.begin(), acknowledged_.end()}; }
  /// Whether `at` in `history` shows everything that was acknowledged at `before`.
  void shows(const history_model& history, std::uint64_t at, const moment& before) const;

  void owns(const history_model& history, const std::string& resource, std::uint64_t epoch,
            const cluster::session_id& session) const;
  /// An owner did something that others see.
  void acts(const cluster::node_id& node, const std::string& resource, std::uint64_t epoch) const;

  std::uint64_t commits() const noexcept { return commits_; }
  std::uint64_t acts() const noexcept { return acts_; }

private:
  struct owner {
    std::uint64_t epoch = 0;
    cluster::session_id session;
    cluster::node_id node;
  };
  using history_key = std::pair<uuid, cluster::generation>;

  const history_model* parent_of(const cluster::store_identity& identity) const;
  void first_seen(history_model& history, const cluster::history_row& row, bool made_offline);
  void check_try(const history_model& history, const cluster::history_row& row, const cluster::applied& commit);
  void check_bonds(const history_model& history, const cluster::applied& commit);
  void acknowledge(const history_model& history, std::uint64_t at, const cluster::commit_id& id);
  const cluster::row_head* row_of(const history_model& history, const cluster::commit_id& id) const;

  std::map<history_key, std::unique_ptr<history_model>> histories_;
  std::unordered_map<cluster::commit_id, std::vector<std::pair<const history_model*, std::uint64_t>>> rows_;
  std::unordered_map<cluster::commit_id, std::shared_ptr<commit_try>> tries_;
  std::map<const history_model*, std::uint64_t> acknowledged_;
  std::map<std::string, owner> owners_;  ///< by resource: the newest there ever was
  std::uint64_t commits_ = 0;
  std::uint64_t backups_restored_ = 0;
  mutable std::uint64_t acts_ = 0;
};

}  // namespace troupe::sim
