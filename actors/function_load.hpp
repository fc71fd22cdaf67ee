// What the worker processes of one function have to do, per loop. Written by the loop it belongs to, read by all when
// they choose a place for a call: a stale value costs a hop, never a call.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/function_cells.hpp"
#include "config/clock.hpp"
#include "functions/instance_work.hpp"
#include "functions/restart_policy.hpp"
#include "functions/run_median.hpp"

namespace troupe::actors {

struct alignas(64) loop_load {
  std::atomic<std::uint32_t> workers{0};  ///< ready ones
  std::atomic<std::uint32_t> busy{0};     ///< of the ready ones, those that have calls
  std::atomic<std::uint32_t> free_slots{0};
  std::atomic<std::uint32_t> in_flight{0};    ///< calls that workers have
  std::atomic<std::uint32_t> waiting{0};      ///< calls in the router's queue
  std::atomic<std::int64_t> oldest_ns{0};     ///< `clock` reading at which the oldest of them came; 0: none waits
  std::atomic<std::int64_t> last_call_ns{0};  ///< `clock` reading at which a worker last got a call; 0: none did yet
  functions::run_median median_run;           ///< of the calls that its workers have run
  functions::recent_work work;                ///< of its workers
};

/// Whether an instance of a function could begin to run on this node.
enum class start_outlook : std::uint8_t {
  none,  ///< its band is used up, or one more would be of no use
  room,  ///< one more may be started
  soon,  ///< one is starting
};

/// What the supervisor knows of a function's instances; written by it alone, read by all.
struct supervised_counts {
  std::atomic<std::uint32_t> ready{0};
  std::atomic<std::uint32_t> starting{0};     ///< that will be in addition
  std::atomic<std::uint32_t> booting{0};      ///< processes that start or load, those that replace others included
  std::atomic<std::uint32_t> stopping{0};     ///< processes that finish their last calls, or end
  std::atomic<std::uint32_t> wanted{0};       ///< that it would have started besides, had its band the room
  std::atomic<std::int64_t> wanted_at_ns{0};  ///< `clock` reading at which it last would have
  std::atomic<start_outlook> outlook{start_outlook::none};
  std::atomic<functions::breaker_state> breaker{functions::breaker_state::closed};
};

struct function_load {
  explicit function_load(std::size_t loops) : per_loop(loops), cells(loops) {}
  std::vector<loop_load> per_loop;
  supervised_counts supervised;
  std::vector<function_cells> cells;  ///< by loop, as `per_loop`; emptied before the first call: nobody counts
  instance_cells instances;           ///< written by the supervisor

  /// Of this loop. Null: nobody counts.
  function_cells* cells_of(unsigned loop) noexcept { return cells.empty() ? nullptr : &cells[loop]; }
  /// Nothing runs and nothing waits.
  bool idle() const noexcept;
  /// `clock` reading of the last call on any loop; 0: there was none.
  std::int64_t last_call_ns() const noexcept;
  /// Of the calls that ran on this loop, or on another one if none has yet; zero: none has anywhere.
  duration median_run(std::size_t loop) const noexcept;
  /// Of the instances on all loops that have some.
  functions::instance_work work() const noexcept;
};

/// One worker's place, shared by its channel and the router of the same loop. Never touched by another thread.
class worker_slots {
public:
  worker_slots(std::uint32_t capacity, std::shared_ptr<function_load> load, unsigned loop);

  /// Calls that would run at once.
  std::uint32_t free() const noexcept { return retired_ || in_flight_ >= capacity_ ? 0 : capacity_ - in_flight_; }
  /// Whether one more call may wait inside the busy worker.
  bool may_prefetch() const noexcept {
    return !retired_ && in_flight_ >= capacity_ && in_flight_ < capacity_ + prefetch_;
  }
  std::uint32_t in_flight() const noexcept { return in_flight_; }
  /// The worker has loaded its code.
  void open() noexcept;
  void take(time_point now) noexcept;
  void give_back(time_point now) noexcept;
  /// A call has run for this long.
  void measured(duration ran) noexcept { loop_.median_run.measured(ran); }
  /// How long it has had calls, in all.
  duration busy_time(time_point now) const noexcept;
  /// What it did since it last told.
  void worked(const functions::instance_work& piece) noexcept { loop_.work.add(piece); }
  /// No new calls from now on.
  void retire() noexcept;

  /// How many calls may wait inside the worker behind those that run.
  void set_prefetch(std::uint32_t depth) noexcept { prefetch_ = depth; }
  /// Rises with each call that any worker of the thread is given: the one used last is the warmest.
  std::uint64_t last_turn() const noexcept { return last_turn_; }

  bool calls_wait = false;  ///< the router wants `slot_free` at the next answer

private:
  void add_free(std::int32_t change) noexcept;
  void count_in_flight(std::int32_t change) noexcept;
  void count_busy(std::int32_t change) noexcept;

  const std::uint32_t capacity_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t prefetch_ = 0;
  std::uint64_t last_turn_ = 0;
  bool retired_ = true;
  duration busy_time_{};
  time_point busy_since_{};  ///< while calls are in flight
  std::shared_ptr<function_load> load_;
  loop_load& loop_;
};

}  // namespace troupe::actors
