// What a node tells its peers about its load: the numbers, and how they become reports (a change each second, the whole
// every ten). Soft state: nobody agrees on it. How reports travel and what a peer makes of them is not decided here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/instance_band.hpp"
#include "config/clock.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// Travels in 8 bits: append, never renumber.
/// `stalled`: it takes no calls now, and goes on as home and with what it runs; to who does not know it, `draining`.
enum class serving_state : std::uint8_t { serving = 1, draining = 2, stalled = 3 };
/// `draining` for a number that only newer nodes know: better no calls than calls to a node that does not want them.
serving_state serving_state_of(std::uint8_t number) noexcept;

/// The instances of one function on one node.
struct function_presence {
  uuid function;
  std::uint32_t ready = 0;         ///< instances that take calls
  std::uint32_t starting = 0;      ///< instances that will
  std::uint32_t queue_age_ms = 0;  ///< of the oldest call that waits, 0 when none does
  std::uint32_t outstanding = 0;   ///< calls that run or wait
  std::uint32_t wanted = 0;        ///< instances that it would start beside these, had it the room
  instance_band band{};            ///< what the function's home has given it
  bool operator==(const function_presence&) const = default;
};

/// What a node tells people about itself beside its load.
struct node_figures {
  std::string version;             ///< of its program, at most 64 bytes
  std::uint64_t age_ms = 0;        ///< since it started
  std::uint64_t store_cursor = 0;  ///< of its copy of the store
  std::string store_digest;        ///< of the history up to there, 64 hex digits; empty before there is one
  std::optional<std::uint64_t> backup_age_ms{};  ///< of the last backup of its store on its disk
  bool operator==(const node_figures&) const = default;
};

/// The load of one node as it is now.
struct node_load {
  std::uint32_t in_flight = 0;          ///< calls that workers have, all functions together
  std::uint32_t cpu_permille = 0;       ///< of the cores that node and workers may use; theirs only, never the host's
  std::uint64_t memory_used_bytes = 0;  ///< promised to instances
  std::uint64_t memory_left_bytes = 0;  ///< of the budget
  serving_state state = serving_state::serving;
  node_figures figures{};
  std::vector<function_presence> functions;  ///< in any order, each id once; those without instances may be left out
  bool operator==(const node_load&) const = default;
};

enum class report_form : std::uint8_t { change, whole };

/// A part of what is told at once. Parts of one sequence number belong together and arrive in their order.
struct load_report {
  std::uint64_t sequence = 0;  ///< from 1, one more with each `next`
  std::uint32_t part = 0;
  std::uint32_t parts = 1;
  report_form form = report_form::change;
  node_load numbers;       ///< `functions` holds those that changed, or all of them
  std::vector<uuid> gone;  ///< functions without instances here any more; in changes only
  bool operator==(const load_report&) const = default;
};

/// Makes reports of one node. Belongs to one actor.
class load_reporter {
public:
  static constexpr milliseconds whole_interval{10'000};
  /// Functions and gone ids of one part: far below 64 KiB once encoded.
  static constexpr std::size_t max_entries = 1'000;

  /// What to tell now: what changed since the last call, or the whole every `whole_interval`. Never empty: without
  /// changes it is a sign of life.
  std::vector<load_report> next(node_load current, time_point now);
  /// The whole as it was last told, for a peer that has just come; empty before the first `next`.
  std::vector<load_report> whole() const;

private:
  std::vector<load_report> split(report_form form, const std::vector<function_presence>& functions,
                                 const std::vector<uuid>& gone) const;

  node_load told_;
  std::uint64_t sequence_ = 0;
  time_point whole_at_{};
};

}  // namespace troupe::cluster
