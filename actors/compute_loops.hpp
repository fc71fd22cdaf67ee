// Where native functions run that are too long for an event loop: threads with an execution unit and no socket, which
// take calls from one board. A call waits there as one for a worker process does (functions/call_queue), function by
// function: none waits for more than one call of each other function.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/function_execution.hpp"
#include "config/metrics.hpp"
#include "functions/call_queue.hpp"
#include "functions/native_library.hpp"
#include "functions/run_median.hpp"
#include "functions/running_objects.hpp"

namespace troupe::actors {

/// A call that is to run on a compute loop.
struct compute_call {
  functions::invocation_ptr call;
  time_point since;  ///< it waits
  std::shared_ptr<const functions::native_library> library;
  digest object;
  function_execution_ptr execution;
  std::uint64_t version = 0;  ///< of the function, that the library is
  duration timeout{};         ///< of that version
  /// Called once, on any thread; must only post.
  std::function<void(functions::outcome_ptr)> answer;
  functions::waiting_bodies::part body{};  ///< while it waits
};

/// What a call is answered that `compute_loops` did not take, or gave up.
functions::outcome_ptr refusal_of(errc why);

struct compute_surroundings {
  functions::queue_limits limits;  ///< per function; what is in there of a loop's own holds for the board
  functions::function_log* log = nullptr;
  /// Of each loop, for objects of the disk; empty when none are loaded.
  std::function<functions::running_slot*(std::size_t)> slot;
};

class compute_loops {
public:
  /// Added to the nice value of the process: what serves requests comes first.
  static constexpr int niceness = 5;

  /// @param count  of threads, 0 to 256. Without any, calls are refused.
  compute_loops(unsigned count, compute_surroundings surroundings);
  ~compute_loops();
  compute_loops(const compute_loops&) = delete;
  compute_loops& operator=(const compute_loops&) = delete;

  void start(caf::actor_system& system);

  // -- any thread
  /// @returns nothing when the call has its place: then `answer` will come. Else why it has none: `overloaded`,
  /// `draining`, `no_capacity` without memory, or `not_ready` without loops; then `answer` is dropped.
  std::optional<errc> submit(compute_call call);
  /// Refuses what has waited too long while all loops run something, and wakes a loop that could not be woken for what
  /// waits. Costs nothing while nothing waits.
  void refuse_stale(time_point now);
  void adjust(const functions::queue_limits& limits);

  struct figures {
    std::size_t loops = 0;
    std::size_t busy = 0;     ///< of them
    std::size_t waiting = 0;  ///< calls
    duration oldest{};        ///< how long the first of them has waited
    std::uint64_t refused_full = 0;
    std::uint64_t refused_late = 0;
    duration_histogram::totals waited;  ///< before they ran
  };
  figures now(time_point at) const;
  bool calls_wait() const noexcept { return waiting_.load(std::memory_order_relaxed) > 0; }
  /// In the order of their slots.
  std::vector<event_loop*> loops() const;

  // -- the end, in this order, by one thread
  /// Refuses what waits and what comes.
  void close();
  /// Whether nothing runs any more. Once it is true after `close`, `stop` returns at once.
  bool idle() const;
  void stop();

private:
  struct lane final : batch_listener {
    lane(compute_loops& b, unsigned index);
    void on_batch_end() override { board.work(*this); }

    compute_loops& board;
    event_loop loop;
    functions::running_slot* slot = nullptr;
    duration_histogram waited;
    function_execution_ptr measured;     ///< whose `news` are not told yet
    std::uint64_t measured_version = 0;  ///< of it
    functions::call_samples news;
  };
  struct function_board {
    functions::call_queue<compute_call> queue;
    functions::run_median median;
    std::size_t running = 0;
  };
  using refusals = std::vector<std::pair<compute_call, errc>>;

  void keep(compute_call call, function_board& board);
  lane* take_idle() noexcept;
  bool wake(lane& idle) noexcept;
  bool take_back(const functions::invocation_ptr& call, const function_execution_ptr& of);
  void work(lane& at);
  std::optional<compute_call> take_next(lane& at, refusals& refused);
  void run(lane& at, compute_call& call);
  static void tell(lane& at);
  static void refuse(refusals& refused);
  functions::queue_view view_of(const function_board& board) const;

  compute_surroundings around_;
  std::vector<std::unique_ptr<lane>> lanes_;
  std::atomic<std::size_t> waiting_{0};
  mutable std::mutex mutex_;  ///< of all below; held for the time of a look-up, never while a function runs
  bool closed_ = false;
  std::vector<lane*> idle_;
  std::unordered_map<function_execution_ptr, function_board>
      boards_;                                ///< of functions that calls wait for, or ran lately
  std::deque<function_execution_ptr> turns_;  ///< those that calls wait for
  std::uint64_t refused_full_ = 0;
  std::uint64_t refused_late_ = 0;
};

}  // namespace troupe::actors
