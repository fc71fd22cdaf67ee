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
  for (auto* each : around_.loops)
    loops_.push_back(std::make_unique<watched>(*each));
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
  ::pthread_setname_np(::pthread_self(), "watchdog");
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, functions::stall_watch::interval, [this] { return stopping_; })) {
    lock.unlock();
    look(clock::now());
    lock.lock();
  }
}

void watchdog::look(time_point at) {
  for (auto& each : loops_)
    look(*each, at);
  const bool any = std::any_of(loops_.begin(), loops_.end(), [](const auto& each) { return each->watch.stalled(); });
  if (std::exchange(any_, any) != any)
    around_.on_change(any);
}

void watchdog::look(watched& each, time_point at) {
  const auto held_before = each.watch.turn_for();
  each.watch.look(each.loop->pulse().read(), at);
  const bool stalled = each.watch.stalled();
  if (each.stalled.exchange(stalled, std::memory_order_relaxed) != stalled) {
    if (stalled) {
      each.stalls.add();
      log_event(log_level::warning, "loop_stalled",
                {{"loop", each.loop->name()}, {"function", function_on(each)}, {"held_ms", ms(each.watch.turn_for())}});
    } else {
      log_event(log_level::warning, "loop_moves_again", {{"loop", each.loop->name()}, {"held_ms", ms(held_before)}});
    }
  }
  if (!stalled || each.watch.function() == 0)
    return;
  const auto function = around_.executions->find(each.watch.function());
  if (function && each.watch.call_for() >= function->timeout())
    around_.on_overdue(each.loop->name(), *function, each.watch.call_for());
}

std::string watchdog::function_on(const watched& each) const {
  const auto function = around_.executions->find(each.watch.function());
  return function ? function->name() : std::string{};
}

std::vector<watchdog::figures> watchdog::now() const {
  std::vector<figures> found;
  for (const auto& each : loops_)
    found.push_back({each->loop->name(), each->stalled.load(std::memory_order_relaxed), each->stalls.value()});
  return found;
}

}  // namespace troupe::actors
