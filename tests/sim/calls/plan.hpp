// What one seed plays: how many nodes, how fast everything is, which troubles come how often. Chosen once per run, so
// that some runs have one kind of trouble only and others all of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cluster/link_event.hpp"
#include "config/clock.hpp"
#include "tests/sim/seeded.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

/// A defect that is put in on purpose, to see whether it is found.
enum class mutation : std::uint8_t {
  none,
  retry_what_left,   ///< what may have run is taken for not run, and tried elsewhere
  run_what_is_old,   ///< a loop that slept does not say so to its links
  keep_credit,       ///< who receives bodies gives no credit of the link back
  keep_suspects,     ///< a node that was gone is suspected in its next life too
  trust_records,     ///< who starts while the primary is away is known by the records only
  judge_while_late,  ///< what a late observer did not hear counts as silence
};

struct plan {
  std::size_t nodes = 5;
  std::size_t max_loops = 1;     ///< of each node, beside the one for control
  instant duration{10'000'000};  ///< with troubles; then everything heals
  instant request_interval{0};   ///< between two requests of one node's clients, about
  instant fault_interval{0};     ///< between two troubles
  std::size_t functions = 3;
  std::int64_t max_drift_ppm = 0;
  std::uint64_t slow_links = 0;  ///< percent of pairs with delays of 20 to 150 ms and little bandwidth
  std::int64_t slow_bytes_per_s = 1'000'000;
  std::uint64_t lost_reports = 0;  ///< percent
  bool encrypted = false;          ///< how much of a batch has left is not known
  std::size_t max_body_bytes = 0;  ///< of most calls and answers
  std::uint64_t large_bodies = 0;  ///< percent of calls and answers with up to 2 MB
  instant longest_run{0};          ///< of a handler, usually
  milliseconds session_ttl{10'000};
  cluster::link_limits limits;

  bool calm = false;  ///< nothing goes wrong

  // Troubles, on or off for the whole run:
  bool kills = false;
  bool power_losses = false;
  bool pauses = false;
  bool suspends = false;
  bool stalls = false;      ///< a loop does not return for a while
  bool partitions = false;  ///< full and one-way
  bool breaks = false;      ///< one connection is reset
  bool mutes = false;       ///< one direction of one connection carries nothing any more
  bool overloads = false;   ///< handlers take ten times as long
  bool crashes = false;     ///< an instance ends, or cannot be started
  bool drains = false;
  bool removals = false;  ///< from the records, for a while
  bool leaving = false;   ///< clients leave before their answer

  bool primary_last = false;  ///< when everything heals, the store's primary comes back only after the others have met
};

plan make_plan(seeded& random, mutation defect);

}  // namespace troupe::sim::calls
