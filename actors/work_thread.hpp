// A plain thread with a bounded queue, for work that blocks (SQLite, fsync, zip). No actor, no event loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "config/clock.hpp"

namespace troupe::actors {

/// Runs jobs one after the other, in the order in which they were accepted. Jobs may not throw.
class work_thread {
public:
  using job = std::function<void()>;

  /// @param name      as `top -H` shows it; at most 15 characters count.
  /// @param max_jobs  jobs that wait, at least 1; the one that runs does not count.
  work_thread(std::string name, std::size_t max_jobs);
  ~work_thread();
  work_thread(const work_thread&) = delete;
  work_thread& operator=(const work_thread&) = delete;

  /// Any thread.
  /// @returns false, and drops the job, when the queue is full or the thread stopped.
  bool post(job next);
  /// Runs `alarm` once at `when`, before jobs that wait then; replaces the alarm that was set before, if it did not
  /// run. `time_point::max()` sets none. Any thread; it takes no room in the queue.
  void set_alarm(time_point when, job alarm);
  /// Refuses further jobs, runs those that were accepted, drops the alarm and joins. Any thread but its own; a second
  /// call waits as well.
  void stop();

  std::size_t waiting() const;

private:
  void run(const std::string& name);

  const std::size_t max_jobs_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  job alarm_;
  time_point alarm_at_ = time_point::max();
  bool stopping_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace troupe::actors
