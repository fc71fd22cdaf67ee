// A store's history as a list of rows that is never shortened, replayed in the plainest way there is. What nodes hold
// is compared with it; it shares no code with the engine but the reading of a row's bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/history_row.hpp"
#include "cluster/store_action.hpp"

namespace troupe::sim {

class history_model {
public:
  /// @param parent  null for a history that began by itself.
  history_model(cluster::store_identity identity, const history_model* parent)
      : identity_{identity}, parent_{parent}, cut_{parent == nullptr ? 0 : identity.parent_cursor.value}, begin_{cut_} {
  }
  /// One that was made of a backup: what came before its first row, which has these records, is not in it.
  history_model(cluster::store_identity identity, const history_model* parent, const cluster::row_head& first,
                const std::vector<cluster::record>& records);

  const cluster::store_identity& identity() const noexcept { return identity_; }
  std::uint64_t tip() const noexcept { return begin_ + rows_.size(); }
  /// Null at 0, beyond the tip, and before the first row of what was made of a backup.
  const cluster::row_head* head_at(std::uint64_t at) const;
  /// The row after the tip.
  void append(const cluster::row_head& head, const cluster::applied& commit);

  /// What a key's record is after the row at `at`.
  struct version {
    std::uint64_t revision = 0;        ///< 0: nobody ever wrote it
    std::optional<std::string> value;  ///< nothing: erased, or never there
  };
  version at(const std::string& key, std::uint64_t at) const;
  /// All keys that have a value after the row at `at`.
  std::vector<std::string> keys_at(std::uint64_t at) const;

  /// What is bound to whom after the last row.
  const std::map<std::string, std::string>& bonds() const noexcept { return bonds_; }

  /// How far `other` is part of this history: up to which row; nothing when this one did not come from it. What was
  /// made of a backup has what those rows did, and not the rows.
  std::optional<std::uint64_t> shared_with(const history_model& other) const;

private:
  cluster::store_identity identity_;
  const history_model* parent_;
  std::uint64_t cut_;
  std::uint64_t begin_;
  bool of_backup_ = false;
  std::vector<cluster::row_head> rows_;  ///< from `begin_` + 1
  std::unordered_map<std::string, std::vector<version>> versions_;
  std::map<std::string, std::string> bonds_;  ///< a restored history begins without any
};

}  // namespace troupe::sim
