#include "actors/watchdog.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "config/log.hpp"

namespace troupe::actors {

namespace {

std::int64_t ms(duration length) {
  return std::chrono::duration_cast<milliseconds>(length).count();
}

}  // namespace

watchdog::watchdog(watchdog_surroundings surroundings) : around_{std::move(surroundings)} {
  for (auto* each : around_.serving)
    loops_.push_back(std::make_unique<watched>(*each, true));
  for (auto* each : around_.others)
    loops_.push_back(std::make_unique<watched>(*each, false));
  for (auto* each : around_.compute)
    compute_.push_back({each, {}, false});
  thread_ = std::thread{[this] { run(); }};
}

watchdog::~watchdog() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void watchdog::run() {
  using functions::look_clock;
  ::pthread_setname_np(::pthread_self(), "watchdog");
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, any_works() ? look_clock::interval : look_clock::idle_interval,
                         [this] { return stopping_; })) {
    lock.unlock();
    look(clock::now());
    lock.lock();
  }
}

bool watchdog::any_works() const {
  return std::any_of(loops_.begin(), loops_.end(), [](const auto& each) { return each->watch.works(); }) ||
         std::any_of(compute_.begin(), compute_.end(), [](const auto& each) { return each.watch.works(); });
}

void watchdog::look(time_point at) {
  const auto passed = time_.look(at);
  for (auto& each : loops_)
    look(*each, passed);
  look_at_compute(passed);
  const auto now = judge();
  if (std::exchange(told_, now) != now)
    around_.on_change(now);
}

standstill watchdog::judge() const {
  if (std::any_of(loops_.begin(), loops_.end(), [](const auto& each) { return each->serves && each->watch.stalled(); }))
    return standstill::event_loop;
  return compute_watch_.blocked() ? standstill::compute_loops : standstill::none;
}

void watchdog::look(watched& each, duration passed) {
  const auto held_before = each.watch.turn_for();
  each.watch.look(each.loop->pulse().read(), passed);
  const bool stalled = each.watch.stalled();
  if (each.stalled.exchange(stalled, std::memory_order_relaxed) != stalled) {
    if (stalled) {
      each.stalls.add();
      const auto function = function_on(each.watch);
      log_event(log_level::warning, "loop_stalled",
                {{"loop", each.loop->name()},
                 {"function", function ? function->name() : std::string{}},
                 {"held_ms", ms(each.watch.turn_for())}});
    } else {
      log_event(log_level::warning, "loop_moves_again", {{"loop", each.loop->name()}, {"held_ms", ms(held_before)}});
    }
  }
  if (!each.watch.overdue())
    return;
  if (const auto function = function_on(each.watch))
    around_.on_end({{each.loop, function, each.watch.call_for(), each.watch.timeout()}});
}

void watchdog::look_at_compute(duration passed) {
  std::vector<overdue_call> overdue;
  duration longest{};
  for (auto& each : compute_) {
    each.watch.look(each.loop->pulse().read(), passed);
    // Who is in time is not looked up: that has a lock, and this is most of the time.
    const auto function = each.watch.overdue() ? function_on(each.watch) : nullptr;
    if (!tell_overdue(each, function.get()))
      continue;
    longest = std::max(longest, each.watch.timeout());
    overdue.push_back({each.loop, function, each.watch.call_for(), each.watch.timeout()});
  }
  overdue_compute_.store(overdue.size(), std::memory_order_relaxed);
  const bool all = !compute_.empty() && overdue.size() == compute_.size();
  compute_watch_.look(all, all && around_.calls_wait(), longest, passed);
  if (compute_watch_.lost())
    around_.on_end(overdue);
}

/// @param function  whose call is overdue there; null: none is. @returns whether one is.
bool watchdog::tell_overdue(watched_compute& each, const function_execution* function) {
  const bool overdue = function != nullptr;
  if (std::exchange(each.overdue, overdue) == overdue)
    return overdue;
  if (overdue)
    log_event(log_level::warning, "compute_loop_overdue",
              {{"loop", each.loop->name()},
               {"function", function->name()},
               {"held_ms", ms(each.watch.call_for())},
               {"timeout_ms", ms(each.watch.timeout())}});
  else
    log_event(log_level::warning, "compute_loop_moves_again", {{"loop", each.loop->name()}});
  return overdue;
}

function_execution_ptr watchdog::function_on(const functions::stall_watch& watch) const {
  return around_.executions->find(watch.function());
}

watchdog::figures watchdog::now() const {
  figures found;
  for (const auto& each : loops_)
    found.loops.push_back({each->loop->name(), each->stalled.load(std::memory_order_relaxed), each->stalls.value()});
  found.overdue_compute = overdue_compute_.load(std::memory_order_relaxed);
  return found;
}

}  // namespace troupe::actors
