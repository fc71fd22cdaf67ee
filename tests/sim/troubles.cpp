#include "troubles.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "process.hpp"

namespace troupe::sim {

using namespace cluster;

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
  std::vector<std::function<void()>> possible{[this] { remove_gone(); }, [this] { restart_halted(); }};
  const auto add = [&](bool on, std::function<void()> what) {
    if (on)
      possible.push_back(std::move(what));
  };
  add(how.crashes, [this] { crash(node::death::killed); });
  add(how.power_losses, [this] { crash(node::death::power_lost); });
  add(how.pauses, [this] { pause(node::pause::stopped); });
  add(how.suspends, [this] { pause(node::pause::suspended); });
  add(how.cuts, [this] { break_link(); });
  add(how.partitions, [this] { partition(); });
  add(how.full_disks, [this] { fill_disk(); });
  add(how.moves, [this] { move_store(); });
  add(how.joins, [this] { join(); });
  add(how.losses, [this] { lose_disk(); });
  add(how.backups, [this] { back_up(); });
  add(how.backups, [this] { go_back(); });
  all_.random.pick(possible)();
}

void troubles::crash(node::death how) {
  const auto running = all_.up();
  if (running.empty())
    return;
  crash(all_.random.pick(running), how);
}

void troubles::crash(std::size_t index, node::death how) {
  all_.nodes[index]->die(how);
  all_.time.after(all_.random.one_in(2) ? between(1, 300) : between(300, 6'000),
                  [this, index] { all_.nodes[index]->start(); });
}

void troubles::pause(node::pause how) {
  const auto running = all_.up();
  if (!running.empty())
    pause(all_.random.pick(running), how);
}

void troubles::pause(std::size_t index, node::pause how) {
  auto& machine = *all_.nodes[index];
  machine.stop(how);
  all_.time.after(between(20, 5'000), [&machine, number = machine.pauses] {
    if (machine.pauses == number)
      machine.go_on();
  });
}

void troubles::break_link() {
  const auto running = all_.up();
  if (running.empty())
    return;
  const auto index = all_.random.pick(running);
  const auto& links = all_.nodes[index]->running->links();
  if (links.empty() || all_.nodes[index]->paused)
    return;
  auto place = links.begin();
  std::advance(place, static_cast<std::ptrdiff_t>(all_.random.below(links.size())));
  all_.net.close(std::shared_ptr{place->second}, index);
}

/// Some nodes from some others, in one direction or both.
void troubles::partition() {
  const bool one_way = all_.random.one_in(3);
  all_.note(std::string{one_way ? "a one-way" : "a"} + " partition");
  cut_for(parted(all_.random, all_.nodes.size(), one_way, all_.net.cut_now()), between(100, 6'000));
}

void troubles::cut_for(const std::vector<direction>& which, instant length) {
  for (const auto& [from, to] : which)
    all_.net.cut(from, to);
  all_.time.after(length, [this, which] {
    for (const auto& [from, to] : which)
      all_.net.heal(from, to);
  });
}

void troubles::fill_disk() {
  auto& machine = *all_.nodes[all_.random.below(all_.nodes.size())];
  machine.full_until = all_.time.now() + between(100, 5'000);
  all_.note(machine, "has no room on its disk");
}

void troubles::move_store() {
  const auto running = all_.up();
  if (running.empty())
    return;
  const auto asker = all_.random.pick(running);
  const auto to = all_.random.pick(running);
  all_.nodes[asker]->deliver([this, asker, to] {
    all_.nodes[asker]->running->ask(move_call{all_.nodes[to]->record.id, all_.random.id()}, milliseconds{4'000},
                                    [](const store_answer&, const history_model*) {});
  });
  std::optional<std::size_t> from;
  for (const auto index : running)
    if (all_.nodes[index]->running->role() == store_role::primary)
      from = index;
  if (from && *from != to && all_.random.one_in(2))
    all_.time.after(instant{all_.random.between(0, 60'000)}, [this, from, to] { cut_a_move(*from, to); });
}

void troubles::cut_a_move(std::size_t from, std::size_t to) {
  const auto& how = all_.how;
  const auto end = all_.random.one_in(2) ? from : to;
  switch (all_.random.below(4)) {
    case 0:
      if (how.partitions) {
        const bool both = all_.random.one_in(2);
        cut_for(both ? std::vector{std::pair{from, to}, std::pair{to, from}} : std::vector{std::pair{to, from}},
                between(500, 8'000));
      }
      break;
    case 1:
      if (how.crashes || how.power_losses)
        crash(end, how.crashes ? node::death::killed : node::death::power_lost);
      break;
    case 2:
      if (how.pauses)
        pause(end, node::pause::stopped);
      break;
    default: {
      if (!how.cuts || !all_.nodes[from]->running)
        break;
      const auto& links = all_.nodes[from]->running->links();
      if (const auto found = links.find(to); found != links.end())
        all_.net.close(std::shared_ptr{found->second}, from);
    }
  }
}

void troubles::join() {
  if (all_.nodes.size() < all_.how.nodes + 3)
    all_.add_node();
}

void troubles::lose_disk() {
  auto& machine = *all_.nodes[all_.random.below(all_.nodes.size())];
  const auto others = std::count_if(all_.nodes.begin(), all_.nodes.end(), [&](const auto& each) {
    return each.get() != &machine && each->registered_on_disk();
  });
  if (machine.gone || others == 0 || losses_ >= 2)
    return;
  ++losses_;
  machine.die(node::death::power_lost);
  machine.disk.wipe();
  machine.gone = true;
  all_.note(machine, "is lost with its disk");
  name_seeds();
  all_.time.after(between(500, 5'000), [this] {
    if (all_.troubled)
      restore_if_needed();
  });
}

}  // namespace troupe::sim
