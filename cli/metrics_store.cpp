#include <chrono>

#include "cli/metrics_parts.hpp"

namespace troupe::cli {

void add_store(http::metrics_page& page, actors::built_in_store& store, std::uint64_t lag) {
  const auto point = store.point();
  const auto health = store.health();
  page.begin_gauge("troupe_store_primary", "1 at the node that has the store, 0 at those with a copy.");
  page.add({}, point->role == cluster::store_role::primary ? 1 : 0);
  page.begin_gauge("troupe_store_commits_possible", "1 while the primary is in reach and commits.");
  page.add({}, health.authority_in_reach ? 1 : 0);
  page.begin_gauge("troupe_store_cursor", "The newest commit in this node's copy.");
  page.add({}, static_cast<double>(point->at.value));
  page.begin_gauge("troupe_store_lag_commits", "Commits that the primary has and this node's copy not yet.");
  page.add({}, static_cast<double>(lag));
  page.begin_gauge("troupe_store_size_bytes", "The store's file on this node's disk.");
  page.add({}, static_cast<double>(health.size_bytes));
  page.begin_gauge("troupe_store_commit_p99_seconds", "99 in 100 of the last commits of this node took at most that.");
  page.add({}, std::chrono::duration<double>(health.commit_p99).count());
  page.begin_gauge("troupe_store_write_p99_seconds", "The same of its disk, until a commit was durable (fsync).");
  page.add({}, std::chrono::duration<double>(health.fsync_p99).count());
  const auto& cells = store.cells();
  duration_histogram::totals committed;
  cells.committed.add_to(committed);
  page.begin_histogram("troupe_store_commit_duration_seconds", "How long commits took that this node asked for.");
  page.add({}, committed);
  duration_histogram::totals written;
  cells.written.add_to(written);
  page.begin_histogram("troupe_store_write_duration_seconds", "How long this node's disk took for a write (fsync).");
  page.add({}, written);
  page.begin_histogram("troupe_store_write_commits", "Commits in one write to this node's disk.");
  page.add({}, cells.batches.read());
  page.begin_counter("troupe_store_sessions_lost_total", "Times that this node's session with the store ended.");
  page.add({}, static_cast<double>(health.sessions_lost));
  if (health.backup_age) {
    page.begin_gauge("troupe_store_backup_age_seconds", "Since the last backup of this node's copy was written.");
    page.add({}, static_cast<double>(health.backup_age->count()));
  }
}

}  // namespace troupe::cli
