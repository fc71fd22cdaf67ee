// Sees every request, every place that it is given to, every run and every answer, and ends the run of the simulator
// when one of them breaks a promise. Knows nothing of links, clocks or messages.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "request.hpp"
#include "session.hpp"

namespace troupe::sim::calls {

class witness {
public:
  explicit witness(world& all) : all_{all} {}

  /// @returns a request with a number.
  request_ptr make();
  void answered(const request_ptr& what, const outcome& result);
  /// A place is given the call. @returns the attempt.
  std::size_t tries(request& what, std::size_t node);
  /// It begins to run.
  void begins(request& what, std::size_t attempt, std::size_t node);
  /// Its caller was told that it certainly did not.
  void did_not_run(request& what, std::size_t attempt);
  /// What came by link. @returns it with its request and attempt.
  work_ptr received(const incoming_call& call);
  /// A process takes a call of a peer. `is_old`: it came before the process woke from a long sleep.
  void takes(const request& what, std::size_t attempt, bool is_old) const;
  /// A process is gone, and with it the connections of its clients.
  void dies(std::size_t node);
  /// No request waits beyond its time.
  void look() const;

  std::size_t open() const noexcept { return open_.size(); }
  std::uint64_t requests() const noexcept { return made_.size(); }
  std::uint64_t hops() const noexcept { return hops_; }
  std::uint64_t retries() const noexcept { return retries_; }

private:
  world& all_;
  std::map<std::uint64_t, request_ptr> open_;
  std::vector<request_ptr> made_;  ///< by number, from 1
  std::uint64_t hops_ = 0;
  std::uint64_t retries_ = 0;
};

}  // namespace troupe::sim::calls
