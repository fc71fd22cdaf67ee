#include "troubles.hpp"

#include <functional>
#include <string>
#include <vector>

#include "world.hpp"

namespace troupe::sim::calls {

instant troubles::between(std::int64_t low_ms, std::int64_t high_ms) {
  return instant{all_.random.between(low_ms * 1'000, high_ms * 1'000)};
}

void troubles::go_on() {
  const auto mean = all_.how.fault_interval.count() / 1'000;
  all_.time.after(between(mean / 4, mean * 2), [this] {
    if (!all_.troubled)
      return;
    one();
    go_on();
  });
}

void troubles::one() {
  const auto& how = all_.how;
  std::vector<std::function<void()>> possible;
  const auto add = [&](bool on, std::function<void()> what) {
    if (on)
      possible.push_back(std::move(what));
  };
  add(how.kills, [this] { kill(machine::death::killed); });
  add(how.power_losses, [this] { kill(machine::death::power_lost); });
  add(how.pauses, [this] { pause(machine::pause::stopped); });
  add(how.pauses, [this] { pause_within_batch(); });
  add(how.suspends, [this] { pause(machine::pause::suspended); });
  add(how.stalls, [this] { stall(); });
  add(how.partitions, [this] { partition(); });
  add(how.breaks, [this] { break_wire(); });
  add(how.mutes, [this] { mute_wire(); });
  add(how.overloads, [this] { overload(); });
  add(how.crashes, [this] { crash_instance(); });
  add(how.drains, [this] { drain(); });
  add(how.removals, [this] { remove(); });
  if (!possible.empty())
    all_.random.pick(possible)();
}

/// A machine whose process runs and does not stand; null when there is none.
machine* troubles::some() {
  std::vector<machine*> able;
  for (const auto& each : all_.machines)
    if (each->running && !each->paused)
      able.push_back(each.get());
  return able.empty() ? nullptr : all_.random.pick(able);
}

void troubles::kill(machine::death how) {
  auto* which = some();
  if (which == nullptr)
    return;
  which->die(how);
  all_.time.after(all_.random.one_in(2) ? between(1, 400) : between(400, 6'000), [which] { which->start(); });
}

void troubles::go_on_later(machine& which) {
  all_.time.after(between(20, 5'000), [&which, number = which.pauses] {
    if (which.pauses == number)
      which.go_on();
  });
}

void troubles::pause(machine::pause how) {
  if (auto* which = some()) {
    which->stop(how);
    go_on_later(*which);
  }
}

/// The kernel has told a loop of bytes, and the process is stopped before it reads them.
void troubles::pause_within_batch() {
  if (auto* which = some()) {
    auto& loops = which->running->loops;
    loops[all_.random.below(loops.size())]->stop_within_batch([this, which] {
      which->stop(machine::pause::stopped);
      go_on_later(*which);
    });
  }
}

void troubles::stall() {
  auto* which = some();
  if (which == nullptr)
    return;
  auto& loops = which->running->loops;
  const auto index = all_.random.below(loops.size() + 1);
  auto& loop = index == loops.size() ? which->running->control : *loops[index];
  all_.heard.troubles(which->index);
  all_.note(*which, "a loop of it stands");
  loop.stall(all_.random.one_in(3) ? between(1'000, 3'000) : between(20, 900));
}

void troubles::partition() {
  const bool one_way = all_.random.one_in(2);
  const auto cut = parted(all_.random, all_.machines.size(), one_way, all_.net.cut_now());
  all_.note(std::string{one_way ? "a one-way" : "a"} + " partition");
  for (const auto& [from, to] : cut) {
    all_.net.cut({from, to});
    all_.heard.troubles(from, to);
  }
  all_.time.after(between(100, 6'000), [this, cut] {
    all_.net.heal(cut);
    for (const auto& [from, to] : cut)
      all_.heard.troubles(from, to);
  });
}

void troubles::break_wire() {
  const auto standing = all_.net.standing();
  if (standing.empty())
    return;
  const auto which = all_.random.pick(standing);
  all_.heard.troubles(which->ends[0], which->ends[1]);
  all_.note("the connection of n" + std::to_string(which->ends[0]) + " to n" + std::to_string(which->ends[1]) +
            " is reset");
  all_.net.break_one(which);
}

void troubles::mute_wire() {
  const auto standing = all_.net.standing();
  if (standing.empty())
    return;
  const auto which = all_.random.pick(standing);
  const auto side = all_.random.below(2);
  which->out[side].mute = true;
  all_.heard.troubles(which->ends[0], which->ends[1]);
  all_.note("the connection of n" + std::to_string(which->ends[0]) + " to n" + std::to_string(which->ends[1]) +
            " carries nothing " + (side == 0 ? "there" : "back"));
}

void troubles::overload() {
  auto* which = some();
  if (which == nullptr)
    return;
  which->running->overloaded = true;
  all_.time.after(between(200, 3'000), [which, life = which->life] {
    if (which->life == life)
      which->running->overloaded = false;
  });
}

void troubles::crash_instance() {
  if (auto* which = some())
    which->running->calls.crash_one();
}

void troubles::drain() {
  auto* which = some();
  if (which == nullptr || which->running->draining)
    return;
  all_.note(*which, "drains");
  which->running->drain();
  end_drained(*which, which->life, all_.time.now() + between(500, 2'000));
}

void troubles::remove() {
  const auto node = all_.random.below(all_.machines.size());
  all_.note(*all_.machines[node], "is taken off the list");
  all_.store.remove(node);
  all_.time.after(between(100, 3'000), [this, node] { all_.store.add(node); });
}

/// Once no call of a peer runs, or the time that a drain has is over.
void troubles::end_drained(machine& which, std::uint64_t life, instant latest) {
  all_.time.after(between(100, 200), [this, &which, life, latest] {
    if (which.life != life)
      return;
    if (which.running->busy() && all_.time.now() < latest)
      return end_drained(which, life, latest);
    which.die(machine::death::killed);
    all_.time.after(between(1, 2'000), [&which] { which.start(); });
  });
}

}  // namespace troupe::sim::calls
