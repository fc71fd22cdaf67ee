// Looks at the event loops from outside: one that stands still takes the node out of service, and one that a native
// function holds beyond its timeout ends the node, as nothing else can end that call (RULES: Loops and scheduling).
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

struct watchdog_surroundings {
  std::vector<event_loop*> loops;  ///< outlive the watchdog
  const execution_directory* executions = nullptr;
  /// Told on the watchdog's thread whenever some loop begins to stand still, or none does any more.
  std::function<void(bool stalled)> on_change;
  /// The node must end at once; `function` has held `loop` for `held`. Told on the watchdog's thread, does not return.
  std::function<void(const std::string& loop, const function_execution& function, duration held)> on_overdue;
};

class watchdog {
public:
  explicit watchdog(watchdog_surroundings surroundings);
  /// Stops it.
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  struct figures {
    std::string loop;
    bool stalled = false;      ///< now
    std::uint64_t stalls = 0;  ///< so far
  };
  /// From any thread.
  std::vector<figures> now() const;

private:
  struct watched {
    explicit watched(event_loop& l) : loop{&l} {}
    event_loop* loop;
    functions::stall_watch watch;
    std::atomic<bool> stalled{false};
    counter_cell stalls;
  };

  void run();
  void look(time_point at);
  void look(watched& each, time_point at);
  std::string function_on(const watched& each) const;

  watchdog_surroundings around_;
  std::vector<std::unique_ptr<watched>> loops_;
  bool any_ = false;  ///< stands still, as was told
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace troupe::actors
