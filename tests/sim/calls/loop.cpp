#include "loop.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

constexpr milliseconds tick_interval{100};

}  // namespace

bool loop::stands() const {
  return of_.on.paused || stalled_;
}

void loop::start() {
  now_ = of_.on.now();
  next_tick_ = now_ + milliseconds{of_.all.random.between(0, 99)};
  plan_tick();
}

void loop::refresh_now() {
  now_ = of_.on.now();
}

void loop::begin_batch() {
  in_batch_ = true;
  last_batch_ = of_.all.time.now();
  refresh_now();
}

void loop::end_batch() {
  // Who asks again meanwhile waits for the next batch.
  for (auto& each : std::exchange(ending_, {}))
    each();
  in_batch_ = false;
  if (!ending_.empty())
    wake();
}

void loop::wake() {
  of_.later(instant{1}, [this] { on_socket([] {}); });
}

void loop::at_batch_end(job what) {
  if (!in_batch_ && ending_.empty())
    wake();
  ending_.push_back(std::move(what));
}

void loop::batch(const job& what) {
  begin_batch();
  what();
  end_batch();
}

void loop::on_socket(job what) {
  if (!stands() && stop_) {
    begin_batch();
    std::exchange(stop_, nullptr)();
    taken_ = std::move(what);
    return;
  }
  if (stands())
    came_.push_back(std::move(what));
  else
    batch(what);
}

void loop::post(job what) {
  // In the order in which it was posted.
  const auto now = of_.all.time.now();
  posted_ = std::max(posted_, now + instant{of_.all.random.between(5, 300)});
  of_.later(posted_ - now, [this, what = std::move(what)] {
    if (stands())
      came_.push_back(what);
    else
      batch(what);
  });
}

void loop::at(time_point when, job what) {
  const auto wait = std::chrono::ceil<instant>(std::max(when, now_ + milliseconds{1}) - of_.on.now());
  // Clocks drift: a timer is never early by the clock of its process.
  of_.later(of_.on.true_length(wait), [this, when, what = std::move(what)] {
    // Its clock may have stood meanwhile.
    if (stands())
      came_due_.emplace_back(when, what);
    else if (of_.on.now() < when)
      at(when, what);
    else
      batch(what);
  });
}

void loop::plan_tick() {
  const auto wait = std::chrono::ceil<instant>(next_tick_ - of_.on.now());
  of_.later(of_.on.true_length(std::max(instant{0}, wait)) + instant{of_.all.random.between(0, 3'000)}, [this] {
    tick_missed_ = stands();
    if (tick_missed_)
      return;
    if (of_.on.now() < next_tick_)
      return plan_tick();
    begin_batch();
    tick();
    end_batch();
  });
}

void loop::tick() {
  next_tick_ = now_ + tick_interval;
  for (std::size_t i = 0; i < ticks_.size(); ++i)
    ticks_[i](now_);
  plan_tick();
}

void loop::stall(instant length) {
  if (std::exchange(stalled_, true))
    return;
  ++of_.standing_loops;
  of_.later(length, [this] {
    stalled_ = false;
    --of_.standing_loops;
    of_.all.heard.troubles(of_.on.index);
    resume();
  });
}

bool loop::woke_just_now() const {
  return woke_at_ == of_.all.time.now();
}

void loop::resume() {
  if (stands())
    return;
  // Longer than the rule says, by what clocks drift and ticks are apart.
  if (of_.all.time.now() - last_batch_ > milliseconds{1'300})
    woke_at_ = of_.all.time.now();
  if (const auto what = std::exchange(taken_, nullptr)) {
    what();
    end_batch();
  }
  begin_batch();
  for (auto& each : std::exchange(came_, {}))
    each();
  // A clock that stood with its machine may not have come to the tick yet, nor to the timers.
  if (std::exchange(tick_missed_, false))
    now_ >= next_tick_ ? tick() : plan_tick();
  for (auto& [when, what] : std::exchange(came_due_, {}))
    when <= now_ ? what() : at(when, what);
  end_batch();
}

}  // namespace troupe::sim::calls
