// Brings the blobs of a deployment to a second disk before it is committed: asks a peer which it lacks, sends those,
// and is told when they are durable there; another peer when one fails. Belongs to the control loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/code_call.hpp"
#include "actors/event_loop.hpp"
#include "actors/work_thread.hpp"
#include "functions/code_store.hpp"

namespace troupe::actors {

/// On how many disks some blobs are, as far as that was confirmed.
struct code_copies {
  unsigned copies = 1;  ///< this node's included
  uuid second;          ///< with 2: the other node
  std::string why;      ///< with 1: why there is no other, for people
};

/// Blobs that are durable here go to one more disk. `done` runs once, later and on the control loop, at the deadline at
/// the latest; without another disk it says 1.
using spread_code =
    std::function<void(std::vector<digest> blobs, time_point deadline, std::function<void(code_copies)> done)>;

struct code_spreader_config {
  work_thread* files = nullptr;
  functions::code_store* code = nullptr;
  code_call call;
  /// Whom to try, the best first: live and not suspected.
  std::function<std::vector<uuid>()> candidates;
  std::size_t pieces = 4;             ///< of 512 KiB, on their way to a peer at a time
  milliseconds call_timeout{10'000};  ///< for one answer; then another peer is tried
  milliseconds sync_timeout{30'000};  ///< for the answer that the peer's disk must give
};

class code_spreader {
public:
  code_spreader(event_loop& control, code_spreader_config config);
  ~code_spreader();
  code_spreader(const code_spreader&) = delete;
  code_spreader& operator=(const code_spreader&) = delete;

  /// As `spread_code` says. What is under way at the end of this object stays unanswered.
  void spread(std::vector<digest> blobs, time_point deadline, std::function<void(code_copies)> done);

private:
  class attempt;
  struct surroundings {
    event_loop* loop;
    code_spreader_config config;
    bool ended = false;
  };
  std::shared_ptr<surroundings> around_;
};

}  // namespace troupe::actors
