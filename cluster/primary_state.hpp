// What passes between a primary and the disk that keeps it, and the bounds of what is kept.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/catalog_store.hpp"
#include "cluster/history_row.hpp"
#include "config/clock.hpp"

namespace troupe::cluster {

struct primary_limits {
  std::size_t log_commits = 10'000;               ///< rows that keep their bodies
  std::size_t log_bytes = std::size_t{64} << 20;  ///< of those bodies
  std::size_t history_rows = 100'000;             ///< rows whose heads are kept
  milliseconds id_lifetime = std::chrono::minutes{70};
  std::size_t max_ids = 4'000'000;  ///< commits of one `id_lifetime`; beyond it they are refused with `errc::full`
  std::size_t batch_commits = 1'000;
  std::size_t batch_bytes = std::size_t{4} << 20;  ///< bodies in one answer of `follow`, plus one commit
};

/// What a primary starts from.
struct primary_state {
  std::vector<record> records;
  std::vector<row_head> heads;                         ///< by cursor
  std::vector<std::pair<cursor, std::string>> bodies;  ///< of the last rows, by cursor
};

/// What must become durable in one piece before anything of it is answered. Views, valid until the primary changes.
struct staged_changes {
  std::span<const history_row> rows;  ///< to add
  std::vector<const record*> puts;    ///< as they stand after the rows
  std::vector<std::string_view> erased;
  cursor bodies_were_from;  ///< rows from this one ...
  cursor bodies_from;       ///< ... to the one before this give up their bodies
  cursor heads_from;        ///< rows before this one go
};

}  // namespace troupe::cluster
