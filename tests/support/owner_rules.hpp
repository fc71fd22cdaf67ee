// The rules for whoever owns something in the store (specs: catalogue-store 1): it checks its session before each act,
// pauses when that is no longer valid, goes on after a barrier has shown its owner records unchanged, stops when its
// copy shows another owner. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/catalog_store.hpp"

namespace troupe::tests {

class owner_rules {
public:
  struct holding {
    std::string resource;
    std::uint64_t epoch = 0;
  };
  /// `owner/` records of this node's copy.
  struct owner_seen {
    cluster::session_id session;
    std::uint64_t epoch = 0;
  };
  using owners_seen = std::map<std::string, owner_seen>;  ///< by resource

  /// The own session owns `resource` under `epoch`. Nothing happens when that was given away meanwhile.
  void take(const std::string& resource, std::uint64_t epoch);
  /// Before it is given away: the call may be applied at any time.
  void seal(const std::string& resource, std::uint64_t epoch);
  /// The call that gave it away was certainly not applied.
  void unseal(const std::string& resource, std::uint64_t epoch);
  /// The session is gone, or the history.
  void lose_all() { holds_.clear(); }

  /// The copy changed. Owner records of the own session that nobody acts for are adopted.
  void review(const owners_seen& owners, std::uint64_t newest_epoch_seen, const cluster::session_id& own);

  bool holds(const std::string& resource) const { return holds_.contains(resource); }
  std::vector<holding> all() const;
  /// For what the node may act right now.
  std::vector<holding> due(bool session_valid);
  /// Whether a barrier is to be asked for now; counts as asked then.
  bool wants_barrier(bool session_valid);
  /// The answer, nothing when it failed.
  void barrier(std::optional<cluster::cursor> at);
  void copy_is_at(cluster::cursor at);

private:
  struct state {
    std::uint64_t epoch = 0;
    bool paused = false;
  };
  std::map<std::string, state> holds_;
  std::map<std::string, std::uint64_t> sealed_;  ///< never acted for again up to this epoch
  bool asking_ = false;
  bool asked_in_vain_ = false;  ///< the session lapsed after the barrier was asked for
  std::optional<cluster::cursor> resume_at_;
};

}  // namespace troupe::tests
