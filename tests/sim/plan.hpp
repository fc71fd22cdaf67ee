// What one seed plays: how many nodes, how fast everything is, which troubles come how often. Chosen once per run, so
// that some runs have one kind of trouble only and others all of them.
#pragma once

#include <cstdint>

#include "cluster/primary_state.hpp"
#include "config/clock.hpp"
#include "seeded.hpp"
#include "timeline.hpp"

namespace troupe::sim {

/// A defect that is put in on purpose, to see whether it is found.
enum class mutation : std::uint8_t {
  none,
  acknowledge_before_fsync,  ///< a primary takes its rows for durable as soon as they are handed to the disk
  apply_batch_twice,         ///< a copy numbers what arrives by itself, and takes a message of its feed twice
  renew_while_moving,  ///< a primary that has written the last row of a move renews sessions until it hears of the next
};

struct plan {
  std::size_t nodes = 5;
  instant duration{15'000'000};   ///< with troubles; then everything heals
  instant operation_interval{0};  ///< between two operations of one node's clients, about
  instant fault_interval{0};      ///< between two troubles
  milliseconds ttl{2'000};
  milliseconds tick_interval{100};
  cluster::primary_limits limits;
  std::int64_t max_drift_ppm = 0;  ///< how much faster or slower a node's clock goes
  std::uint64_t slow_links = 0;    ///< percent of pairs with delays of 20 to 200 ms
  instant disk_time{0};            ///< the slowest usual write
  bool on_the_wire = false;        ///< messages travel as bytes
  bool followers = false;          ///< every node has a reader that follows commit by commit

  // Troubles, on or off for the whole run:
  bool crashes = false;
  bool power_losses = false;
  bool pauses = false;
  bool suspends = false;
  bool cuts = false;
  bool partitions = false;
  bool full_disks = false;
  bool failing_writes = false;
  bool moves = false;
  bool joins = false;
  bool losses = false;   ///< of disks, the primary's included; with restores
  bool backups = false;  ///< are made, and restored
};

plan make_plan(seeded& random, mutation defect);

}  // namespace troupe::sim
