// Requests to other nodes that wait for their answer: each ends once, by its answer, by its deadline or with its peer.
// CAF's own requests would stay in the actor for ever when the peer is lost. No clock, no actor, no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "cluster/node_event.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

class pending_requests {
public:
  /// What an answer brings; requests that bring nothing leave it empty.
  using continuation = std::function<void(expected<cluster::event_page>)>;
  static constexpr std::size_t max_requests = 4'096;

  /// @returns the number that the answer must repeat, or 0 when too many wait; then `done` is not called.
  std::uint64_t add(const uuid& node, time_point deadline, continuation done);
  /// @returns false when nobody waits for it from this node (any more).
  bool settle(const uuid& node, std::uint64_t request, expected<cluster::event_page> answer);
  /// Takes it back without calling its continuation.
  void withdraw(std::uint64_t request) { requests_.erase(request); }
  /// Everything that waits for this node fails with `why`.
  void fail_all(const uuid& node, const error& why);
  void fail_all(const error& why);
  /// What is too late fails with `budget_spent`: it may have been done.
  void expire(time_point now);
  std::size_t size() const noexcept { return requests_.size(); }
  /// Those that were too late, since the start.
  std::uint64_t unanswered() const noexcept { return unanswered_; }

private:
  struct entry {
    uuid node;
    time_point deadline;
    continuation done;
  };

  template <class Condition>
  std::size_t fail_if(Condition condition, const error& why);

  std::map<std::uint64_t, entry> requests_;
  std::uint64_t last_ = 0;
  std::uint64_t unanswered_ = 0;
};

}  // namespace troupe::actors
