// How a supervisor keeps to the band that it was given, and what it says of its instances.
#include <algorithm>

#include "actors/function_supervisor.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// While a first start waits for room in the band, it is asked for anew; `function_registry` forgets older wishes.
constexpr milliseconds room_interval{500};
/// So long a first start that a deployment waits for may wait for room.
constexpr seconds room_patience{60};

}  // namespace

void function_supervisor::on_band(const band_change& change) {
  band_ = change.band;
  if (!what_.spec || stopping_) {
    if (change.kept)
      change.kept({});
    return;
  }
  if (change.kept) {
    stop_surplus();
    change.kept(check_band());
  }
  // Whatever was to be tried again later may be possible now.
  on_again();
  publish();
}

/// Of what runs more than the band allows those go first that are only starting.
void function_supervisor::stop_surplus() {
  auto current = alive(), before = older();
  for (const auto state : {stage::starting, stage::ready})
    for (auto& [id, each] : instances_) {
      if (each.state != state)
        continue;
      auto& left = each.version == what_.spec->version ? current : before;
      if (left <= band_.max)
        continue;
      --left;
      stop(each);
    }
}

/// Instances of the present version, those that end included.
std::size_t function_supervisor::current() const {
  return static_cast<std::size_t>(std::count_if(instances_.begin(), instances_.end(), [&](const auto& each) {
    return each.second.version == what_.spec->version;
  }));
}

/// Errors: `not_ready` while instances above the maximum finish their calls.
expected<void> function_supervisor::check_band() const {
  const auto most = std::max(current(), instances_.size() - current());
  if (most <= band_.max)
    return {};
  return fail(errc::not_ready, std::to_string(most) + " instances of function " + what_.spec->name +
                                   " still have calls, " + std::to_string(band_.max) + " may run");
}

std::size_t function_supervisor::count(stage state) const {
  return static_cast<std::size_t>(std::count_if(instances_.begin(), instances_.end(), [&](const auto& entry) {
    return entry.second.state == state && entry.second.version == what_.spec->version;
  }));
}

std::size_t function_supervisor::alive() const {
  return count(stage::ready) + count(stage::starting);
}

/// An instance of an earlier version takes calls: it does so until one of the present version is ready.
bool function_supervisor::older_serves() const {
  return std::any_of(instances_.begin(), instances_.end(), [&](const auto& entry) {
    return entry.second.state == stage::ready && entry.second.version != what_.spec->version;
  });
}

bool function_supervisor::below_minimum() const {
  return alive() < band_.min;
}

/// Instances of earlier versions that take calls or will.
std::size_t function_supervisor::older() const {
  return static_cast<std::size_t>(std::count_if(instances_.begin(), instances_.end(), [&](const auto& each) {
    return each.second.version != what_.spec->version && each.second.state != stage::stopping;
  }));
}

/// Instances of the present version that may be started. One that still has calls takes its place until it ended;
/// those of earlier versions are replaced one by one and take none.
std::uint32_t function_supervisor::room() const {
  return band_.max - std::min(band_.max, static_cast<std::uint32_t>(current()));
}

/// What the band lacks; the home of the function hears of it.
void function_supervisor::want(std::size_t instances) {
  auto& counts = what_.load->supervised;
  const auto now = clock::now().time_since_epoch().count();
  const auto before = counts.wanted.exchange(static_cast<std::uint32_t>(instances), std::memory_order_relaxed);
  if (instances > 0)
    counts.wanted_at_ns.store(now, std::memory_order_relaxed);
  if (before != instances && around_->counts_changed)
    around_->counts_changed();
}

/// Calls that wait ask by themselves as long as they do; a deployment asks once.
void function_supervisor::await_room() {
  want(1);
  const auto give_up = clock::now() - room_patience;
  if (std::any_of(reports_.begin(), reports_.end(), [&](const auto& each) { return each.since <= give_up; }))
    report({false, {}, {errc::no_capacity, {}, "as many instances as it may have run at other nodes"}});
  if (!reports_.empty() && !std::exchange(retry_scheduled_, true))
    delayed_send(this, room_interval, again_atom::value);
}

void function_supervisor::publish() {
  if (!what_.spec)
    return;
  auto& counts = what_.load->supervised;
  const auto processes = [&](stage state) {
    return static_cast<std::uint32_t>(std::count_if(instances_.begin(), instances_.end(),
                                                    [&](const auto& each) { return each.second.state == state; }));
  };
  // Beside an old instance runs the new one that replaces it: both count once.
  const auto running = static_cast<std::uint32_t>(std::max(alive(), older()));
  const auto now_ready = std::min(running, processes(stage::ready));
  const auto before = std::pair{counts.ready.exchange(now_ready, std::memory_order_relaxed),
                                counts.starting.exchange(running - now_ready, std::memory_order_relaxed)};
  counts.booting.store(processes(stage::starting), std::memory_order_relaxed);
  counts.stopping.store(processes(stage::stopping), std::memory_order_relaxed);
  tell_of_breaker(counts.breaker.exchange(policy_.breaker(), std::memory_order_relaxed));
  const bool may_start = room() > 0 && (more_of_use_ || count(stage::ready) == 0);
  counts.outlook.store(count(stage::starting) > 0 ? start_outlook::soon
                       : may_start                ? start_outlook::room
                                                  : start_outlook::none,
                       std::memory_order_relaxed);
  if (before != std::pair{now_ready, running - now_ready} && around_->counts_changed)
    around_->counts_changed();
}

/// A trial that runs, or fails, is no news.
void function_supervisor::tell_of_breaker(functions::breaker_state before) const {
  const bool was_open = before != functions::breaker_state::closed;
  if (policy_.open() && !was_open)
    log_event(log_level::warning, "breaker_opened",
              {{"function", what_.spec->name}, {"failed_starts", std::to_string(policy_.failed_starts())}});
  else if (was_open && !policy_.open())
    log_event(log_level::info, "breaker_closed", {{"function", what_.spec->name}});
}

}  // namespace troupe::actors
