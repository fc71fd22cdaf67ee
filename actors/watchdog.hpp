// Looks at the event loops from outside: one that stands still takes the node out of service, and one that a native
// function holds beyond its timeout ends the node, as nothing else can end that call; the same when calls that do not
// end have taken all compute loops from those that wait (RULES: Loops and scheduling).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/event_loop.hpp"
#include "actors/function_execution.hpp"
#include "config/metrics.hpp"
#include "functions/stall_watch.hpp"

namespace troupe::actors {

/// What takes the node out of service.
enum class standstill : std::uint8_t { none, event_loop, compute_loops };

/// A call that has held its loop for longer than its timeout.
struct overdue_call {
  const event_loop* loop;
  function_execution_ptr function;
  duration held;
  duration timeout;  ///< of its version
};

struct watchdog_surroundings {
  // All loops outlive the watchdog.
  std::vector<event_loop*> serving;  ///< clients wait while one of them stands still
  std::vector<event_loop*> others;   ///< are watched too, and are no reason not to serve
  std::vector<event_loop*> compute;  ///< may be at one thing for long
  std::function<bool()> calls_wait;  ///< for a compute loop; called on the watchdog's thread
  const execution_directory* executions = nullptr;
  /// Told on the watchdog's thread whenever it is another one.
  std::function<void(standstill now)> on_change;
  /// The node must end at once for these, at least one. Told on the watchdog's thread, does not return.
  std::function<void(const std::vector<overdue_call>& calls)> on_end;
};

class watchdog {
public:
  explicit watchdog(watchdog_surroundings surroundings);
  /// Stops it.
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  struct loop_figures {
    std::string loop;
    bool stalled = false;      ///< now
    std::uint64_t stalls = 0;  ///< so far
  };
  struct figures {
    std::vector<loop_figures> loops;  ///< those that serve, then the others
    std::size_t overdue_compute = 0;  ///< compute loops that an overdue call holds
  };
  /// From any thread.
  figures now() const;

private:
  struct watched {
    watched(event_loop& l, bool s) : loop{&l}, serves{s} {}
    event_loop* loop;
    bool serves;
    functions::stall_watch watch;
    std::atomic<bool> stalled{false};
    counter_cell stalls;
  };
  struct watched_compute {
    event_loop* loop;
    functions::stall_watch watch;
    bool overdue = false;  ///< as was told
  };

  void run();
  bool any_works() const;
  void look(time_point at);
  void look(watched& each, duration passed);
  void look_at_compute(duration passed);
  bool tell_overdue(watched_compute& each, const function_execution* function);
  standstill judge() const;
  function_execution_ptr function_on(const functions::stall_watch& watch) const;

  watchdog_surroundings around_;
  functions::look_clock time_;
  std::vector<std::unique_ptr<watched>> loops_;
  std::vector<watched_compute> compute_;
  functions::compute_watch compute_watch_;
  std::atomic<std::size_t> overdue_compute_{0};
  standstill told_ = standstill::none;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troupe::actors
