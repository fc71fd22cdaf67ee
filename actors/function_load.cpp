#include "actors/function_load.hpp"

#include <algorithm>

namespace troupe::actors {

bool function_load::idle() const noexcept {
  return std::all_of(per_loop.begin(), per_loop.end(), [](const loop_load& each) {
    return each.waiting.load(std::memory_order_relaxed) == 0 && each.in_flight.load(std::memory_order_relaxed) == 0;
  });
}

std::int64_t function_load::last_call_ns() const noexcept {
  std::int64_t last = 0;
  for (const auto& each : per_loop)
    last = std::max(last, each.last_call_ns.load(std::memory_order_relaxed));
  return last;
}

duration function_load::median_run(std::size_t loop) const noexcept {
  auto found = per_loop[loop].median_run.value();
  for (const auto& each : per_loop)
    found = found == duration{} ? each.median_run.value() : found;
  return found;
}

functions::instance_work function_load::work() const noexcept {
  functions::instance_work sum;
  for (const auto& each : per_loop)
    if (each.workers.load(std::memory_order_relaxed) > 0)
      sum += each.work.value();
  return sum;
}

worker_slots::worker_slots(std::uint32_t capacity, std::shared_ptr<function_load> load, unsigned loop)
    : capacity_{capacity}, load_{std::move(load)}, loop_{load_->per_loop[loop]} {}

void worker_slots::add_free(std::int32_t change) noexcept {
  // One writer: a plain load and store do.
  const auto now = loop_.free_slots.load(std::memory_order_relaxed);
  loop_.free_slots.store(now + static_cast<std::uint32_t>(change), std::memory_order_relaxed);
}

void worker_slots::count_in_flight(std::int32_t change) noexcept {
  const auto now = loop_.in_flight.load(std::memory_order_relaxed);
  loop_.in_flight.store(now + static_cast<std::uint32_t>(change), std::memory_order_relaxed);
}

void worker_slots::count_busy(std::int32_t change) noexcept {
  const auto now = loop_.busy.load(std::memory_order_relaxed);
  loop_.busy.store(now + static_cast<std::uint32_t>(change), std::memory_order_relaxed);
}

void worker_slots::open() noexcept {
  retired_ = false;
  add_free(static_cast<std::int32_t>(free()));
}

void worker_slots::take(time_point now) noexcept {
  static thread_local std::uint64_t turn = 0;
  last_turn_ = ++turn;
  loop_.last_call_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  if (free() > 0)
    add_free(-1);
  if (in_flight_++ == 0) {
    busy_since_ = now;
    if (!retired_)
      count_busy(1);
  }
  count_in_flight(1);
}

void worker_slots::give_back(time_point now) noexcept {
  if (--in_flight_ == 0) {
    busy_time_ += now - busy_since_;
    if (!retired_)
      count_busy(-1);
  }
  count_in_flight(-1);
  if (free() > 0)
    add_free(1);
}

duration worker_slots::busy_time(time_point now) const noexcept {
  return busy_time_ + (in_flight_ > 0 ? now - busy_since_ : duration{});
}

void worker_slots::retire() noexcept {
  add_free(-static_cast<std::int32_t>(free()));
  if (!retired_ && in_flight_ > 0)
    count_busy(-1);
  retired_ = true;
}

}  // namespace troupe::actors
