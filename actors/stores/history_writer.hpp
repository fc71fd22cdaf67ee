// Decisions and disk together: groups of calls become transactions, and what a failed one means for each call is said
// here. No thread of its own and no queue; belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "actors/stores/history_store.hpp"
#include "cluster/catalog_store.hpp"
#include "cluster/primary.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

struct write_request {
  enum class purpose : std::uint8_t {
    apply,
    settle,  ///< only the id counts
  };
  cluster::commit_request commit;
  purpose kind = purpose::apply;
};

class history_writer {
public:
  history_writer(history_store file, cluster::primary decisions);

  /// Decides `group` in order and makes it durable in one transaction. Blocks for the disk.
  /// @returns an answer for each; `refused` carries, beside `primary::decide`'s reasons, `full` and `unavailable`
  /// (certainly not applied by this call), `unknown_outcome`, and `corrupt`.
  std::vector<cluster::commit_result> write(std::span<const write_request* const> group);

  /// What is durable.
  const cluster::primary& history() const noexcept { return primary_; }

private:
  struct decision {
    cluster::commit_result answer;
    bool holds_anyway = false;  ///< whether or not what is staged becomes durable
  };
  decision decide(const write_request& request);
  std::optional<error> write_staged();
  error failure_of(const cluster::commit_id& id, const error& why) const;
  milliseconds store_time() const;

  history_store file_;
  cluster::primary primary_;
  milliseconds began_at_;
  time_point opened_at_ = clock::now();
  std::optional<error> broken_;                      ///< why nothing is written any more
  std::unordered_set<cluster::commit_id> in_doubt_;  ///< ids whose transaction may or may not be in the file
};

}  // namespace troupe::actors
