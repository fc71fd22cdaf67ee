// A thread with an epoll set, timers and a CAF execution unit of its own. Sockets and the actors that own them are
// bound to one loop for life; an actor woken on its loop runs there, without a hand-off. The one file that knows CAF's
// scheduling.
#pragma once

#include <array>
#include <atomic>
#include <caf/execution_unit.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/resumable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "actors/due_queue.hpp"
#include "actors/loop_pulse.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/metrics.hpp"

namespace troupe::actors {

/// Told when a watched descriptor is ready. Belongs to one loop.
class watcher {
public:
  /// `events` are epoll's. Edge triggered: read or write until EAGAIN, or until the kernel moved less than asked for.
  virtual void on_ready(std::uint32_t events) = 0;

protected:
  ~watcher() = default;
};

/// Told once at the end of the batch of events in which it asked for that: writes are collected until then.
class batch_listener {
public:
  virtual void on_batch_end() = 0;

protected:
  ~batch_listener() = default;
};

/// Told every 100 ms for as long as it is registered; deadlines of requests are members that this tick compares.
class tick_listener {
public:
  virtual void on_tick(time_point now) = 0;

protected:
  ~tick_listener() = default;
};

/// Told when its instant has come: for limits finer than the tick, of which a loop has few (worker channels).
class timer_listener {
public:
  virtual void on_timer(time_point now) = 0;

  time_point armed_for{};  ///< the loop's note
  bool armed = false;      ///< the loop's note

protected:
  ~timer_listener() = default;
};

class event_loop final : public caf::execution_unit {
public:
  static constexpr milliseconds tick_interval{100};
  static constexpr std::size_t read_buffer_bytes = 64 * 1024;

  event_loop(unsigned index, std::string name);
  ~event_loop() override;
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Before `start`. The system outlives the thread, or the thread the system (both ends are in `node`).
  void attach(caf::actor_system& system) { system_ = &system; }
  /// @param niceness  added to the nice value of the process: above 0, the loop gets what others leave.
  void start(int niceness = 0);
  /// Ends the thread after what is queued has run. From any other thread.
  void stop();

  unsigned index() const noexcept { return index_; }
  const std::string& name() const noexcept { return name_; }
  /// The loop that the calling thread is, or null.
  static event_loop* current() noexcept { return current_; }

  // -- from any thread
  // ---------------------------------------------------------------------------------------------------
  void post(std::function<void()> job);
  void exec_later(caf::resumable* job) override;

  // -- on the loop's thread only
  // ------------------------------------------------------------------------------------------
  /// Runs the actors that are due, until none is left or `max_drained` have run (then the rest runs after the next
  /// poll).
  void drain();
  expected<void> watch(int descriptor, std::uint32_t events, watcher& target);
  /// Other events than those that it was watched for; what is ready of them is told anew.
  void rewatch(int descriptor, std::uint32_t events, watcher& target) noexcept;
  /// Also takes back events of the present batch that the target has not seen yet.
  void unwatch(int descriptor, watcher& target) noexcept;
  /// Takes the event of this watcher out of the present batch. @returns whether it had one: handle it now.
  bool take_event(watcher& target) noexcept;
  /// At the end of the next batch when called at the end of one.
  void at_batch_end(batch_listener& listener) { batch_end_.push_back(&listener); }
  void cancel_batch_end(batch_listener& listener) noexcept;
  void add_tick(tick_listener& listener) { ticks_.push_back(&listener); }
  void remove_tick(tick_listener& listener) noexcept;
  /// Calls `listener` once at `when` (to the millisecond, never early); arming again replaces the instant.
  void arm(timer_listener& listener, time_point when);
  void disarm(timer_listener& listener) noexcept;
  /// Keeps an object alive until the present batch of events has been handled.
  void keep_until_batch_end(std::shared_ptr<void> object) { kept_.push_back(std::move(object)); }
  /// The instant at which the present batch began; at most a batch old.
  time_point now() const noexcept { return now_; }
  void refresh_now() noexcept { now_ = clock::now(); }
  /// How late its ticks were. Read by any thread.
  const duration_histogram& lateness() const noexcept { return lateness_; }
  /// What it does now. Read by any thread.
  const loop_pulse& pulse() const noexcept { return pulse_; }
  loop_pulse& pulse() noexcept { return pulse_; }
  /// `Mon, 02 Jan 2006 15:04:05 GMT`, refreshed each second.
  std::string_view date() const noexcept { return {date_.data(), date_.size()}; }
  /// For one `recv` at a time: its contents do not survive the handler.
  std::span<char> read_buffer() noexcept { return {read_buffer_.get(), read_buffer_bytes}; }

private:
  struct posted {
    posted* next = nullptr;
    std::function<void()> job;
    caf::resumable* resumable = nullptr;
  };

  void run(int niceness);
  void wait();
  void tick();
  void fire_timers();
  void end_batch();
  void take_posted();
  void push_posted(posted* entry);
  void run_one(caf::intrusive_ptr<caf::resumable> job);
  void refresh_date();
  bool has_work() const noexcept;
  void set_alarm() noexcept;

  inline static thread_local event_loop* current_ = nullptr;

  static constexpr std::size_t max_drained = 256;
  static constexpr std::size_t max_throughput = 64;

  const unsigned index_;
  const std::string name_;
  int epoll_ = -1;
  int wake_ = -1;
  int alarm_ = -1;                           ///< of the kernel: a time-out of each wait would cost more
  time_point alarm_at_ = time_point::max();  ///< what it is set to, until it rings
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<posted*> inbox_{nullptr};  ///< a stack; the loop takes it whole and reverses it

  due_queue due_;
  bool draining_ = false;
  std::vector<batch_listener*> batch_end_;
  std::vector<batch_listener*> ending_;  ///< those being told
  std::vector<tick_listener*> ticks_;
  std::set<std::pair<time_point, timer_listener*>> timers_;
  std::vector<std::shared_ptr<void>> kept_;
  struct ready {
    watcher* target;
    std::uint32_t events;
  };
  std::vector<ready> batch_;
  time_point now_{};
  time_point next_tick_{};
  bool had_ticks_ = false;  ///< at the last tick somebody was told
  duration_histogram lateness_;
  loop_pulse pulse_;
  std::time_t date_second_ = 0;
  std::array<char, 29> date_{};
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace troupe::actors
