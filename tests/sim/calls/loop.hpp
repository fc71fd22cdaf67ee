// One event loop of a simulated process: what happens to it is handled in batches, as actors/event_loop does: what was
// posted and what sockets tell, the tick, timers, and then what is to be sent. While the process is stopped nothing
// happens, and everything that came meanwhile is there when it goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "config/clock.hpp"
#include "tests/sim/timeline.hpp"

namespace troupe::sim::calls {

class process;

class loop {
public:
  using job = std::function<void()>;

  loop(process& of, std::size_t index) : of_{of}, index_{index} {}

  void start();
  std::size_t index() const noexcept { return index_; }
  /// When the present batch began.
  time_point now() const noexcept { return now_; }
  /// Reads the clock within a batch.
  void refresh_now();

  /// Something that a socket tells: handled in the next batch, now unless the process is stopped.
  void on_socket(job what);
  /// From another loop of the process.
  void post(job what);
  /// Called once, not before `when`.
  void at(time_point when, job what);
  /// At the end of the present batch; when another loop asks, of the next one.
  void at_batch_end(job what);
  /// Each 100 ms.
  void add_tick(std::function<void(time_point now)> listener) { ticks_.push_back(std::move(listener)); }

  /// The next thing that a socket tells finds the process stopped after the loop took notice of it.
  void stop_within_batch(job stop) { stop_ = std::move(stop); }
  /// Does nothing for that long, in the middle of what it did.
  void stall(instant length);
  /// The process goes on.
  void resume();
  /// Whether it woke just now, after so long that what came before is old.
  bool woke_just_now() const;

private:
  void begin_batch();
  void end_batch();
  void batch(const job& what);
  void tick();
  void plan_tick();
  void wake();
  bool stands() const;

  process& of_;
  std::size_t index_;
  time_point now_{};
  time_point next_tick_{};
  std::vector<std::function<void(time_point)>> ticks_;
  std::vector<job> ending_;
  std::vector<job> came_;                             ///< while the process stood
  std::vector<std::pair<time_point, job>> came_due_;  ///< timers
  job stop_;
  job taken_;  ///< noticed before the process was stopped, not handled yet
  bool in_batch_ = false;
  bool stalled_ = false;
  bool tick_missed_ = false;
  instant posted_{0};  ///< when what was posted last comes
  instant last_batch_{0};
  instant woke_at_{-1};  ///< after a long time
};

}  // namespace troupe::sim::calls
